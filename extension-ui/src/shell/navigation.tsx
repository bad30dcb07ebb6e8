/** The way between views; it never scrolls away. */
import BuildIcon from "@mui/icons-material/AccountTreeOutlined";
import BuildersIcon from "@mui/icons-material/DnsOutlined";
import CacheIcon from "@mui/icons-material/LayersOutlined";
import OverviewIcon from "@mui/icons-material/SpeedOutlined";
import SettingsIcon from "@mui/icons-material/SettingsOutlined";
import { Box, Link, List, ListItem, ListItemButton, ListItemIcon, ListItemText, Typography } from "@mui/material";
import type { ReactNode } from "react";
import { hrefOf } from "../state/route.js";

const VIEWS = [
  { name: "overview", title: "Overview", Icon: OverviewIcon },
  { name: "builds", title: "Builds", Icon: BuildIcon },
  { name: "cache", title: "Cache", Icon: CacheIcon },
  { name: "builders", title: "Builders", Icon: BuildersIcon },
  { name: "settings", title: "Settings", Icon: SettingsIcon },
] as const;

/** Views that stand below another one. */
const PARENTS: Readonly<Record<string, string>> = { compare: "builds" };

const WIDTH_PX = 168;

export function Navigation({ current }: { readonly current: string }): ReactNode {
  const shown = PARENTS[current] ?? current;
  return (
    <Box
      component="nav"
      aria-label="Views"
      sx={{
        ...{ width: WIDTH_PX, flex: "none", position: "sticky", top: 0, alignSelf: "flex-start", height: "100vh" },
        ...{ borderRight: 1, borderColor: "divider", bgcolor: "background.paper", p: 1, overflowY: "auto" },
      }}
    >
      <Link
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById("main")?.focus();
        }}
        sx={{
          position: "absolute",
          left: -9999,
          "&:focus": { left: 8, top: 8, bgcolor: "background.paper", p: 1, zIndex: 1 },
        }}
      >
        Skip to the content
      </Link>
      <Typography component="p" variant="h2" sx={{ px: 2, py: 1.5 }}>
        MemoBuild
      </Typography>
      <List dense disablePadding>
        {VIEWS.map(({ name, title, Icon }) => (
          <ListItem key={name} disablePadding>
            <ListItemButton
              component="a"
              href={hrefOf([name])}
              selected={name === shown}
              aria-current={name === shown ? "page" : undefined}
              sx={{ borderRadius: 1 }}
            >
              <ListItemIcon sx={{ minWidth: 34 }}>
                <Icon fontSize="small" />
              </ListItemIcon>
              <ListItemText primary={title} />
            </ListItemButton>
          </ListItem>
        ))}
      </List>
    </Box>
  );
}
