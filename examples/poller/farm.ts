/** Stands for a service that takes long: a job is done after so many looks at it. */
export interface Farm {
  statusOf(job: string, abortSignal: AbortSignal): Promise<"running" | "done">;
  looks(): number;
}

export function createFarm(looksUntilDone: number): Farm {
  const looksAt = new Map<string, number>();
  let all = 0;
  return {
    async statusOf(job, abortSignal) {
      abortSignal.throwIfAborted();
      const looks = (looksAt.get(job) ?? 0) + 1;
      looksAt.set(job, looks);
      all += 1;
      return looks > looksUntilDone ? "done" : "running";
    },
    looks: () => all,
  };
}
