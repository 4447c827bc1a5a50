/** What an address narrows a list by, as the API is asked for it. */

/** The filters of these names that are set; the days `from` and `to` become moments, and what is no day is left out. */
export function filtersIn<Name extends string>(query: URLSearchParams, names: readonly Name[]): Partial<Record<Name, string>> {
  const filters: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const value = query.get(name);
    if (!value) continue;
    const day = name === 'from' || name === 'to' ? new Date(`${value}T${name === 'from' ? '00:00:00' : '23:59:59.999'}`) : null;
    if (day && Number.isNaN(day.getTime())) continue;
    filters[name] = day ? day.toISOString() : value;
  }
  return filters;
}
