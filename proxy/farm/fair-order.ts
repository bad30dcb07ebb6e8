/** Who is next where many wait: the tenant that has least, of its projects the one that has least, then the oldest. */

export interface Running {
  readonly ofTenant: (tenant: string) => number;
  readonly ofProject: (tenant: string, project: string) => number;
}

export interface Claim {
  readonly tenant: string;
  readonly project: string;
}

/** One string for a project of a tenant. */
export const projectKey = ({ tenant, project }: Claim): string => `${tenant}\0${project}`;

/**
 * The order in which they are served when nothing of what runs ends meanwhile: whoever is served counts as running for
 * those behind him.
 *
 * @param waiting oldest first.
 */
export function fairOrder<T extends Claim>(waiting: readonly T[], running: Running): T[] {
  const byProject = inTurns(waiting, projectKey, ({ tenant, project }) => running.ofProject(tenant, project));
  return inTurns(
    byProject,
    ({ tenant }) => tenant,
    ({ tenant }) => running.ofTenant(tenant),
  );
}

/** Groups take turns, and those with less running get theirs earlier; otherwise the order stays as it is. */
function inTurns<T>(items: readonly T[], groupOf: (item: T) => string, runningOf: (item: T) => number): T[] {
  const next = new Map<string, number>();
  const numbered = items.map((item) => {
    const group = groupOf(item);
    const turn = next.get(group) ?? runningOf(item);
    next.set(group, turn + 1);
    return { item, turn };
  });
  return numbered.sort((a, b) => a.turn - b.turn).map(({ item }) => item);
}
