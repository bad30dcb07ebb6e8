/** How buildx comes to build with MemoBuild: one click in Docker Desktop, elsewhere a command to copy. */
import { Alert, Box, Button, CircularProgress, Stack, Typography } from "@mui/material";
import type { ReactNode } from "react";
import { Copyable } from "../../parts/copyable.js";
import { LoadedView } from "../../parts/loaded-view.js";
import { useLoaded } from "../../state/use-answer.js";
import { type Desktop, useOutside } from "../../state/use-api.js";
import {
  BUILDER_NAME,
  commandOf,
  createArguments,
  type Endpoint,
  endpointsOf,
  namesOwnMachine,
  type Needs,
  type Surroundings,
} from "./endpoint.js";
import type { Setting } from "./setting-groups.js";
import { type BuilderState, useBuilderSteps } from "./use-builder-steps.js";

const Unreachable = (): ReactNode => (
  <Alert severity="warning">
    MemoBuild listens on no address that buildx can reach from here. Give it one: --listen tcp://127.0.0.1:8372
  </Alert>
);

function stateText(now: BuilderState, address: string): string {
  switch (now.state) {
    case "unknown":
      return "";
    case "created":
      return `The builder "${BUILDER_NAME}" is there. Build with it: docker buildx build --builder ${BUILDER_NAME} .`;
    case "used":
      return `"docker buildx build" and "docker buildx bake" now use "${BUILDER_NAME}" by themselves.`;
    case "exists": {
      const leads = now.endpoint === address ? "leads here" : `leads to ${now.endpoint || "an unknown address"}`;
      return `There is a builder "${BUILDER_NAME}" already, and it ${leads}.`;
    }
  }
}

interface OneClickProps {
  readonly desktop: Desktop;
  readonly address: string;
  readonly needs: Needs;
}

function OneClick({ address, desktop, needs }: OneClickProps): ReactNode {
  const { create, failure, isRunning, makeDefault, now, replace } = useBuilderSteps(desktop, address, needs);
  const text = stateText(now, address);
  const exists = now.state === "exists";
  return (
    <Stack spacing={1.5}>
      <Stack direction="row" spacing={1} useFlexGap sx={{ flexWrap: "wrap", alignItems: "center" }}>
        <Button variant="contained" disabled={isRunning} onClick={exists ? replace : create}>
          {exists ? "Replace it" : "Create builder"}
        </Button>
        <Button variant="outlined" disabled={isRunning || now.state === "unknown"} onClick={makeDefault}>
          Use it by default
        </Button>
        {isRunning && <CircularProgress size={18} aria-label="Docker is at work" />}
      </Stack>
      <Box role="status">{text !== "" && <Alert severity={exists ? "info" : "success"}>{text}</Alert>}</Box>
      {failure !== undefined && (
        <Alert severity="error">
          Docker says:
          <Box component="pre" sx={{ m: 0, mt: 0.5, whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
            {failure}
          </Box>
        </Alert>
      )}
      <Typography variant="body2" color="text.secondary">
        By default means: every “docker buildx build” goes through MemoBuild until you choose another builder, as with
        “docker buildx use default”. “docker build” keeps the builder of the engine.
      </Typography>
    </Stack>
  );
}

interface CommandsProps {
  readonly endpoints: readonly Endpoint[];
  readonly needs: Needs;
}

function Commands({ endpoints, needs }: CommandsProps): ReactNode {
  const [best, ...others] = endpoints;
  if (best === undefined) return <Unreachable />;
  return (
    <Stack spacing={1}>
      <Copyable text={commandOf(createArguments(best.address, needs))} />
      {best.isLocal && (
        <Typography variant="body2" color="text.secondary">
          On the machine that runs MemoBuild: it listens there alone.
        </Typography>
      )}
      {!best.isLocal && namesOwnMachine(best.address) && (
        <Typography variant="body2" color="text.secondary">
          On the machine that runs MemoBuild. Elsewhere, put its name in place of the address: it listens on all.
        </Typography>
      )}
      {needs.hasTls && best.address.startsWith("tcp:") && (
        <Typography variant="body2" color="text.secondary">
          MemoBuild asks for TLS: ca.pem is the authority of its certificate
          {needs.wantsClientCertificate && ", cert.pem and key.pem are your own certificate and its key"}.
        </Typography>
      )}
      {others.length > 0 && (
        <Typography variant="body2" color="text.secondary" sx={{ overflowWrap: "anywhere" }}>
          It is reached at {others.map(({ address }) => address).join(", ")} too.
        </Typography>
      )}
    </Stack>
  );
}

const hasValue = (settings: readonly Setting[], option: string): boolean =>
  settings.some(({ name, texts }) => name === option && texts.length > 0);

export function CreateBuilder(): ReactNode {
  const { api, desktop } = useOutside();
  // A command without the certificates that it needs is none.
  const loaded = useLoaded(async (signal) => {
    const [{ listen }, { settings }] = await Promise.all([
      api.ask("getStatus", {}, signal),
      api.ask("getSettings", {}, signal),
    ]);
    return { listen, settings };
  }, "create builder");
  const surroundings: Surroundings = { pageHost: window.location.hostname, isDesktop: desktop !== undefined };
  return (
    <LoadedView loaded={loaded} of="the addresses of MemoBuild">
      {({ listen, settings }) => {
        const needs: Needs = {
          hasTls: hasValue(settings, "tls-cert"),
          wantsClientCertificate: hasValue(settings, "tls-client-ca"),
          loadsByDefault: desktop !== undefined,
        };
        const endpoints = endpointsOf(listen, surroundings);
        const [best] = endpoints;
        if (desktop === undefined || best === undefined) return <Commands endpoints={endpoints} needs={needs} />;
        return <OneClick desktop={desktop} address={best.address} needs={needs} />;
      }}
    </LoadedView>
  );
}
