/** One builder: how it does, what it uses, and what can be done with it. */
import { Alert, Box, Button, Link, Paper, Typography } from "@mui/material";
import { memo, type NamedExoticComponent, type ReactNode, useId } from "react";
import type { BuilderReport } from "../../api/openapi.js";
import { formatCount } from "../../parts/format.js";
import { hrefOf } from "../../state/route.js";
import { StateLabel } from "./state-label.js";
import type { Amount } from "./usage-amounts.js";
import { UsageMeters } from "./usage-meters.js";

export type BuilderDialog = "drain" | "remove";

interface Props {
  readonly builder: BuilderReport;
  readonly onAsk: (dialog: BuilderDialog, builder: BuilderReport) => void;
}

const PLATFORMS_SHOWN = 4;

export function factsOf({ address, name, origin, platforms, version }: BuilderReport): string {
  const [shown, rest] = [platforms.slice(0, PLATFORMS_SHOWN), platforms.length - PLATFORMS_SHOWN];
  return [
    ...(address === name ? [] : [address]),
    origin,
    version === "" ? "version not known" : `BuildKit ${version}`,
    ...(shown.length === 0 ? [] : [shown.join(", ") + (rest > 0 ? ` and ${rest.toString()} more` : "")]),
  ].join(" · ");
}

const clientsOf = ({ clients, maxClients }: BuilderReport): Amount =>
  maxClients === undefined
    ? { label: "Clients", text: clients.toLocaleString("en") }
    : { label: "Clients", text: `${clients.toString()} of ${maxClients.toString()}`, share: clients / maxClients };

function Head({ builder, onAsk, id }: Props & { readonly id: string }): ReactNode {
  const { address, isDraining, name, runningBuilds } = builder;
  const load = runningBuilds === 0 ? "No build runs" : `${formatCount(runningBuilds, "build")} running`;
  return (
    <Box sx={{ display: "flex", gap: 2, flexWrap: "wrap", alignItems: "flex-start", mb: 1 }}>
      <Box sx={{ flex: 1, minWidth: 220 }}>
        <Typography variant="h2" id={id} sx={{ overflowWrap: "anywhere" }}>
          <Link href={hrefOf(["builders"], { name })}>{name}</Link>
        </Typography>
        <StateLabel builder={builder} />
      </Box>
      <Box sx={{ display: "flex", gap: 1, alignItems: "center", flexWrap: "wrap" }}>
        <Link href={hrefOf(["builds"], { builder: address })} aria-label={`${load} on ${name}`}>
          {load}
        </Link>
        <Button
          size="small"
          aria-label={`${isDraining ? "Undrain" : "Drain"} ${name}`}
          onClick={() => {
            onAsk("drain", builder);
          }}
        >
          {isDraining ? "Undrain" : "Drain"}
        </Button>
        <Button
          size="small"
          color="error"
          aria-label={`Remove ${name}`}
          onClick={() => {
            onAsk("remove", builder);
          }}
        >
          Remove
        </Button>
      </Box>
    </Box>
  );
}

/** Reports come every few seconds, and most say what the one before did. */
const saysTheSame = (before: Props, now: Props): boolean =>
  before.onAsk === now.onAsk && JSON.stringify(before.builder) === JSON.stringify(now.builder);

export const BuilderCard: NamedExoticComponent<Props> = memo(function BuilderCard({ builder, onAsk }) {
  const id = useId();
  const { cause, usage, warnings } = builder;
  return (
    <Paper component="article" variant="outlined" aria-labelledby={id} sx={{ p: 2, mb: 2, minWidth: 0 }}>
      <Head builder={builder} onAsk={onAsk} id={id} />
      <Typography variant="body2" color="text.secondary" sx={{ overflowWrap: "anywhere", mb: 1.5 }}>
        {factsOf(builder)}
      </Typography>
      {cause !== undefined && (
        <Alert severity="error" sx={{ mb: 1.5, overflowWrap: "anywhere" }}>
          {cause}
        </Alert>
      )}
      {warnings.map((warning) => (
        <Alert key={warning} severity="warning" sx={{ mb: 1.5 }}>
          {warning}
        </Alert>
      ))}
      <UsageMeters usage={usage} stateLabel="BuildKit keeps" first={clientsOf(builder)} />
    </Paper>
  );
}, saysTheSame);
