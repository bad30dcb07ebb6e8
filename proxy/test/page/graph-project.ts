/** A project of a team: stages side by side of many steps each, and one that takes from all. */
import { SHELL } from "../system/world.js";

export const STAGES = ["web", "api", "worker", "docs"] as const;
/** Files that each stage copies, one after the other. */
const FILES = 13;
/** Of each stage: its files, and a command. */
export const STAGE_STEPS: number = FILES + 1;
/** Load what the shell comes from, each time anew. */
export const LOADING_STEPS = 2;
/** Those, two of the shell, those of the stages, and one copy from each. */
export const GRAPH_STEPS: number = LOADING_STEPS + 2 + STAGES.length * STAGE_STEPS + STAGES.length;
/** Its command takes longest. */
export const SLOWEST_STAGE = "worker";

const commandOf = (stage: string): string =>
  `${stage === SLOWEST_STAGE ? "sleep 3 && " : ""}cat /${stage}/* > /${stage}.out`;

function stageOf(stage: string): string {
  const copies = Array.from({ length: FILES }, (_, file) => `COPY ${stage}/${file} /${stage}/${file}\n`);
  return `FROM shell AS ${stage}\n${copies.join("")}RUN ${commandOf(stage)}\n`;
}

/** Of a context; each of its files has other content. */
export const graphProject = (): Record<string, string> => ({
  Dockerfile: [
    SHELL,
    ...STAGES.map(stageOf),
    "FROM scratch AS release\n",
    ...STAGES.map((stage) => `COPY --from=${stage} /${stage}.out /\n`),
  ].join(""),
  ...Object.fromEntries(
    STAGES.flatMap((stage) => Array.from({ length: FILES }, (_, file) => [`${stage}/${file}`, `${stage} ${file}\n`])),
  ),
});
