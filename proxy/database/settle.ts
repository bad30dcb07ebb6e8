/** SQLite works at once; what it throws becomes a rejection. */
export const settle = <T>(work: () => T): Promise<T> =>
  new Promise((resolve) => {
    resolve(work());
  });
