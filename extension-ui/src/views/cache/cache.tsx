/** Cache. */
import type { ReactNode } from "react";
import { Title } from "../../parts/title.js";

export const Cache = (): ReactNode => <Title>Cache</Title>;
