/** Settings. */
import type { ReactNode } from "react";
import { Title } from "../../parts/title.js";

export const Settings = (): ReactNode => <Title>Settings</Title>;
