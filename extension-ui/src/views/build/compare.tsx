/** Two builds, step by step. */
import type { ReactNode } from "react";
import { Title } from "../../parts/title.js";

export const Compare = ({ before, after }: { readonly before: string; readonly after: string }): ReactNode => (
  <Title about={after}>{before}</Title>
);
