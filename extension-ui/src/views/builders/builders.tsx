/** Builders. */
import type { ReactNode } from "react";
import { Title } from "../../parts/title.js";

export const Builders = (): ReactNode => <Title>Builders</Title>;
