/** Overview. */
import type { ReactNode } from "react";
import { Title } from "../../parts/title.js";

export const Overview = (): ReactNode => <Title>Overview</Title>;
