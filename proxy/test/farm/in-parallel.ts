/** Many pieces of work by a few workers at a time. */

/** Begins them in order. Rejects with the first that fails. */
export async function inParallel(
  workers: number,
  count: number,
  work: (index: number, worker: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const run = async (worker: number): Promise<void> => {
    while (next < count) await work(next++, worker);
  };
  await Promise.all(Array.from({ length: workers }, (_, worker) => run(worker)));
}
