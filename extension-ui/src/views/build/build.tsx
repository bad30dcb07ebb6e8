/** One build. */
import type { ReactNode } from "react";
import { Title } from "../../parts/title.js";

export const Build = ({ name, tab }: { readonly name: string; readonly tab: string }): ReactNode => (
  <Title about={tab}>{name}</Title>
);
