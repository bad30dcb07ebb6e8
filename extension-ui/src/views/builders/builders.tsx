/** The farm: its builders, what they use now and used before, and what waits for them. */
import { Alert, Button, Typography } from "@mui/material";
import { type ReactNode, useCallback, useState } from "react";
import type { BuilderReport, FarmReport } from "../../api/openapi.js";
import { formatCount } from "../../parts/format.js";
import { LoadedView } from "../../parts/loaded-view.js";
import { Section } from "../../parts/section.js";
import { Title } from "../../parts/title.js";
import { useQuery } from "../../state/route.js";
import { useAnswer } from "../../state/use-answer.js";
import { AddDialog } from "./add-dialog.js";
import { BuilderCard, type BuilderDialog } from "./builder-card.js";
import { BuilderDetails } from "./builder-details.js";
import { alarmOf } from "./builder-state.js";
import { DrainDialog } from "./drain-dialog.js";
import { RemoveDialog } from "./remove-dialog.js";
import { UsageMeters } from "./usage-meters.js";
import { UsageOverTime } from "./usage-over-time.js";

const REFRESH_MS = 3000;

type Asked = { readonly dialog: "add" } | { readonly dialog: BuilderDialog; readonly builder: BuilderReport };

interface FarmProps {
  readonly farm: FarmReport;
  readonly onAsk: (dialog: BuilderDialog, builder: BuilderReport) => void;
}

function Farm({ farm: { builders, memobuild, waitingBuilds }, onAsk }: FarmProps): ReactNode {
  const alarm = alarmOf(builders);
  return (
    <>
      {alarm !== undefined && (
        <Alert severity="error" sx={{ mb: 2, overflowWrap: "anywhere" }}>
          {alarm}
        </Alert>
      )}
      <Typography sx={{ mb: 2 }}>
        Queue:{" "}
        {waitingBuilds === 0
          ? "no build waits for a builder."
          : `${formatCount(waitingBuilds, "build")} waiting for a builder.`}
      </Typography>
      {builders.map((builder) => (
        <BuilderCard key={builder.name} builder={builder} onAsk={onAsk} />
      ))}
      <Section title="MemoBuild itself">
        <UsageMeters usage={memobuild} stateLabel="Shared cache" />
      </Section>
    </>
  );
}

interface DialogsProps {
  readonly asked: Asked | undefined;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

function Dialogs({ asked, onDone, onClose }: DialogsProps): ReactNode {
  switch (asked?.dialog) {
    case undefined:
      return null;
    case "add":
      return <AddDialog onAdded={onDone} onClose={onClose} />;
    case "drain":
      return <DrainDialog builder={asked.builder} onDone={onDone} onClose={onClose} />;
    case "remove":
      return <RemoveDialog builder={asked.builder} onDone={onDone} onClose={onClose} />;
  }
}

export function Builders(): ReactNode {
  const loaded = useAnswer("listBuilders", {}, REFRESH_MS);
  const [query, setQuery] = useQuery();
  const [asked, setAsked] = useState<Asked>();
  const name = query.get("name") ?? "";
  const onAsk = useCallback((dialog: BuilderDialog, builder: BuilderReport) => {
    setAsked({ dialog, builder });
  }, []);
  const close = (): void => {
    setAsked(undefined);
  };
  const add = (
    <Button
      variant="outlined"
      onClick={() => {
        setAsked({ dialog: "add" });
      }}
    >
      Add builder
    </Button>
  );
  return (
    <>
      <Title about="The BuildKit daemons that builds run on." actions={add}>
        Builders
      </Title>
      <LoadedView loaded={loaded} of="the builders">
        {(farm) => <Farm farm={farm} onAsk={onAsk} />}
      </LoadedView>
      <UsageOverTime />
      <Dialogs
        asked={asked}
        onDone={() => {
          close();
          // A removed builder has no details any more.
          if (asked?.dialog === "remove" && asked.builder.name === name) setQuery({ name: undefined });
          loaded.reload();
        }}
        onClose={close}
      />
      {name !== "" && (
        <BuilderDetails
          name={name}
          onClose={() => {
            setQuery({ name: undefined });
          }}
        />
      )}
    </>
  );
}
