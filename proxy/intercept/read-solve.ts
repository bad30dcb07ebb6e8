/** Reads from a Control.Solve what decides where its build goes. */
import type { BuildMessages } from "../buildkit/build-messages.js";
import { identifyBuild } from "../cache/build-identity.js";
import type { BuildIdentity } from "../cache/cache-index.js";
import type { ReadSolve } from "../relay/solve-facts.js";

/** Options that name sessions which send files: one for several targets of a bake. */
const LOCAL_SESSION = "local-sessionid:";

/** What of a project is built: builds of one scope share most of their steps. */
export const scopeOf = ({ dockerfile, target }: Pick<BuildIdentity, "dockerfile" | "target">): string =>
  JSON.stringify([dockerfile, target]);

export function readSolveWith(messages: BuildMessages): ReadSolve {
  return (message) => {
    const { frontendAttrs, internal, ref, session, sourcePolicySession } = messages.solveRequest.decode(message);
    const ofFiles = Object.entries(frontendAttrs).filter(([name]) => name.startsWith(LOCAL_SESSION));
    const sessions = [session, sourcePolicySession, ...ofFiles.map(([, id]) => id)].filter((id) => id !== "");
    const platforms = (frontendAttrs["platform"] ?? "").split(",").filter((platform) => platform !== "");
    return {
      ref,
      session,
      sessions: [...new Set(sessions)],
      isInternal: internal,
      platforms,
      needsSharedKey: identifyBuild({ options: frontendAttrs, sharedKey: "" }).project === "",
      identify: (sharedKey) => {
        const { dockerfile, project, target, tenant } = identifyBuild({ options: frontendAttrs, sharedKey });
        return { tenant, project, scope: scopeOf({ dockerfile, target }) };
      },
    };
  };
}
