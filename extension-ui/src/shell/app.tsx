/** The page around its views: theme, navigation, and what is left of it when a view fails. */
import { DockerMuiV6ThemeProvider } from "@docker/docker-mui-theme";
import { Box, CssBaseline } from "@mui/material";
import { type ReactNode, useMemo, useState } from "react";
import { tellUnauthorized } from "../api/api-client.js";
import type { ApiProblem } from "../api/transport.js";
import { Problem } from "../parts/problem.js";
import { Title } from "../parts/title.js";
import { type Outside, OutsideContext } from "../state/use-api.js";
import { useRoute } from "../state/route.js";
import { Builds } from "../views/builds/builds.js";
import { Build } from "../views/build/build.js";
import { Compare } from "../views/build/compare.js";
import { Builders } from "../views/builders/builders.js";
import { Cache } from "../views/cache/cache.js";
import { Overview } from "../views/overview/overview.js";
import { Settings } from "../views/settings/settings.js";
import { ErrorBoundary } from "./error-boundary.js";
import { Navigation } from "./navigation.js";
import { darkTheme, lightTheme } from "./themes.js";
import { NotFound } from "./not-found.js";

function viewOf([name = "", ...rest]: readonly string[]): ReactNode {
  const [first, second] = rest;
  switch (name) {
    case "":
    case "overview":
      return <Overview />;
    case "builds":
      return first === undefined ? <Builds /> : <Build key={first} name={first} tab={second ?? "graph"} />;
    case "compare":
      return first === undefined || second === undefined ? <NotFound /> : <Compare before={first} after={second} />;
    case "cache":
      return <Cache />;
    case "builders":
      return <Builders />;
    case "settings":
      return <Settings />;
    default:
      return <NotFound />;
  }
}

/** In place of the view, so that nothing is asked any more. */
const NoAccess = ({ problem }: { readonly problem: ApiProblem }): ReactNode => (
  <>
    <Title>No access</Title>
    <Problem
      problem={problem}
      onRetry={() => {
        window.location.reload();
      }}
    />
  </>
);

interface GuardProps {
  readonly outside: Outside;
  readonly children: ReactNode;
}

/** Gives views the way to MemoBuild as long as it lets the page in. */
function Guard({ children, outside }: GuardProps): ReactNode {
  const [refusal, setRefusal] = useState<ApiProblem | undefined>(undefined);
  const guarded = useMemo(() => ({ ...outside, api: tellUnauthorized(outside.api, setRefusal) }), [outside]);
  if (refusal !== undefined) return <NoAccess problem={refusal} />;
  return <OutsideContext.Provider value={guarded}>{children}</OutsideContext.Provider>;
}

function Page({ outside }: { readonly outside: Outside }): ReactNode {
  const { parts } = useRoute();
  return (
    <Box sx={{ display: "flex", minHeight: "100vh", bgcolor: "background.default", color: "text.primary" }}>
      <Navigation current={parts[0] ?? "overview"} />
      <Box component="main" id="main" tabIndex={-1} sx={{ flex: 1, minWidth: 0, p: 3, outline: "none" }}>
        <Guard outside={outside}>
          <ErrorBoundary resetKey={parts.join("/")}>{viewOf(parts)}</ErrorBoundary>
        </Guard>
      </Box>
    </Box>
  );
}

/** Docker Desktop puts its themes into the window; elsewhere the provider would fail without any. */
function seedThemes(): void {
  const brought: unknown = globalThis.__ddMuiV6Themes;
  if (brought === undefined) globalThis.__ddMuiV6Themes = { light: lightTheme, dark: darkTheme };
}

export function App({ outside }: { readonly outside: Outside }): ReactNode {
  seedThemes();
  return (
    <DockerMuiV6ThemeProvider>
      <CssBaseline enableColorScheme />
      <ErrorBoundary resetKey="page">
        <Page outside={outside} />
      </ErrorBoundary>
    </DockerMuiV6ThemeProvider>
  );
}
