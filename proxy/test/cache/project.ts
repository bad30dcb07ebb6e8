/** A small build of several stages whose results differ each time that they are made. */
import { SHELL } from "../system/world.js";

/** Bytes that no cache can guess, and that no compression makes smaller. */
export const RANDOM_BYTES = 1_000_000;

const random = (file: string, bytes: number = RANDOM_BYTES): string => `head -c ${bytes} /dev/urandom > ${file}`;

/** Two stages side by side, and one that takes from both. */
export const PROJECT: string = `${SHELL}
FROM shell AS lib
COPY lib.txt /
RUN echo ran lib && ${random("/lib")} && cat lib.txt >> /lib
FROM shell AS app
COPY app.txt /
RUN echo ran app && ${random("/app")} && cat app.txt >> /app
FROM scratch
COPY --from=lib /lib /
COPY --from=app /app /
`;

/** All steps of it. */
export const PROJECT_STEPS: readonly string[] = [
  ...["app 1/2", "app 2/2", "lib 1/2", "lib 2/2", "shell 1/2", "shell 2/2", "stage-3 1/2", "stage-3 2/2"],
];

/** What is of one project is of no other, so that tests on one builder do not help each other. */
export const projectFiles = (project: string, app = "one"): Record<string, string> => ({
  ...{ Dockerfile: PROJECT, "lib.txt": `${project}\n`, "app.txt": `${project} ${app}\n` },
});

export const SLOW_TO_EXPORT_BYTES = 60_000_000;
/** A build whose layers take the builder a while to compress. */
export const SLOW_TO_EXPORT: string = `${SHELL}RUN ${random("/big", SLOW_TO_EXPORT_BYTES)}\n`;
export const SLOW_TO_EXPORT_STEPS: readonly string[] = ["shell 1/3", "shell 2/3", "shell 3/3"];
