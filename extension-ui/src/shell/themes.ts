/** Colours for both schemes where Docker Desktop does not bring its own. Contrast is WCAG AA on both backgrounds. */
import type { ThemeOptions } from "@mui/material/styles";

const typography = {
  fontFamily: 'Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  fontSize: 13,
  h1: { fontSize: "1.5rem", fontWeight: 600 },
  h2: { fontSize: "1.1rem", fontWeight: 600 },
  h3: { fontSize: "0.95rem", fontWeight: 600 },
  button: { textTransform: "none" },
} satisfies ThemeOptions["typography"];

const shape = { borderRadius: 6 };

export const lightTheme: ThemeOptions = {
  typography,
  shape,
  palette: {
    mode: "light",
    primary: { main: "#0b5bd3" },
    success: { main: "#14713d" },
    warning: { main: "#8a5300" },
    error: { main: "#b3261e" },
    info: { main: "#0b5bd3" },
    background: { default: "#f6f8fa", paper: "#ffffff" },
    text: { primary: "#1b2530", secondary: "#4a5a6a" },
  },
};

export const darkTheme: ThemeOptions = {
  typography,
  shape,
  palette: {
    mode: "dark",
    primary: { main: "#7db4ff" },
    success: { main: "#6fd398" },
    warning: { main: "#f2b95a" },
    error: { main: "#ff9a92" },
    info: { main: "#7db4ff" },
    background: { default: "#10171f", paper: "#18222d" },
    text: { primary: "#e8eef4", secondary: "#b3c0cd" },
  },
};
