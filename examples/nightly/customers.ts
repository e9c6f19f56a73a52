/** Stands for a database that gives its customers in pages. */
const PAGE = 100;

export interface Customers {
  page(after: string | null): Promise<{ ids: string[]; last: string | null }>;
}

export function createCustomers(count: number): Customers {
  const all = Array.from({ length: count }, (_, i) => `customer-${String(i + 1).padStart(4, "0")}`);
  return {
    async page(after) {
      const from = after === null ? 0 : all.indexOf(after) + 1;
      const ids = all.slice(from, from + PAGE);
      return { ids, last: from + PAGE < all.length ? (ids.at(-1) ?? null) : null };
    },
  };
}
