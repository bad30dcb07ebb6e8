/** What is configured, where that is from, and what can be changed while MemoBuild runs. */
import { Box } from "@mui/material";
import { type ReactNode, useState } from "react";
import type { SettingsReport } from "../../api/openapi.js";
import { LoadedView } from "../../parts/loaded-view.js";
import { Section } from "../../parts/section.js";
import { Title } from "../../parts/title.js";
import { useAnswer } from "../../state/use-answer.js";
import { About } from "./about.js";
import { CreateBuilder } from "./create-builder.js";
import { SettingsForm } from "./settings-form.js";

const SETTINGS_EVERY_MS = 10_000;
const STATUS_EVERY_MS = 10_000;

interface Saved {
  readonly report: SettingsReport;
  /** What was shown before; the next one that is loaded is later than the saved one. */
  readonly over: SettingsReport | undefined;
}

export function Settings(): ReactNode {
  const settings = useAnswer("getSettings", {}, SETTINGS_EVERY_MS);
  const status = useAnswer("getStatus", {}, STATUS_EVERY_MS);
  const [saved, setSaved] = useState<Saved | undefined>(undefined);
  return (
    <>
      <Title about="What is configured and where that is from. Changes hold at once, and after a restart.">
        Settings
      </Title>
      <Box
        sx={{
          display: "grid",
          gap: 2,
          mb: 3,
          "& > section": { mb: 0 },
          gridTemplateColumns: "repeat(auto-fit, minmax(420px, 1fr))",
        }}
      >
        <Section title="Build with MemoBuild">
          <CreateBuilder />
        </Section>
        <Section title="About">
          <LoadedView loaded={status} of="the state of MemoBuild">
            {(answer) => <About status={answer} />}
          </LoadedView>
        </Section>
      </Box>
      <LoadedView loaded={settings} of="the settings">
        {(answer) => (
          <SettingsForm
            report={saved?.over === answer ? saved.report : answer}
            onSaved={(report) => {
              setSaved({ report, over: answer });
              settings.reload();
            }}
          />
        )}
      </LoadedView>
    </>
  );
}
