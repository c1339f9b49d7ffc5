import { open } from 'node:fs/promises';

const magic = 'PAR1';

/** Whether a file begins like Parquet; false also for one that cannot be opened, which whoever reads it will say. */
export async function beginsLikeParquet(path: string): Promise<boolean> {
  const file = await open(path, 'r').catch(() => null);
  if (file === null) {
    return false;
  }
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(magic.length), 0, magic.length, 0);
    return bytesRead === magic.length && buffer.toString('latin1') === magic;
  } catch {
    return false;
  } finally {
    await file.close();
  }
}
