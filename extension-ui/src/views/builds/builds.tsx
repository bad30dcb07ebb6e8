/** Builds. */
import type { ReactNode } from "react";
import { Title } from "../../parts/title.js";

export const Builds = (): ReactNode => <Title>Builds</Title>;
