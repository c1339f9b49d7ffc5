/** The code of a system or database error, such as ENOENT or 57P03; undefined for any other value. */
export function errorCode(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
