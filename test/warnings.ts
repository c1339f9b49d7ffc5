import { afterAll, beforeAll, expect } from 'vitest';

/** Holds that Node warns of nothing while the tests of a file run: in a command it would be told to whoever runs it. */
export function refuseWarnings(): void {
  const told: string[] = [];
  const hear = ({ name, message }: Error) => told.push(`${name}: ${message}`);
  beforeAll(() => {
    process.on('warning', hear);
  });
  afterAll(async () => {
    await new Promise((resolve) => process.nextTick(resolve));
    process.off('warning', hear);
    expect(told).toEqual([]);
  });
}
