/** Starts the page. */
import { createRoot } from "react-dom/client";
import { App } from "./shell/app.js";
import { createOutside } from "./shell/create-outside.js";

const root = document.getElementById("root");
if (root !== null) createRoot(root).render(<App outside={createOutside()} />);
