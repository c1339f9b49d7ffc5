import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sampleAssistants } from '../fixtures/vapi-simulator/samples.ts';
import { firstDay } from './draw-steps.ts';
import type { Model } from './model.ts';
import type { Place } from './place.ts';
import type { Step } from './step.ts';
import { shop } from './steps/adopt-steps.ts';
import { userCount } from './steps/app-steps.ts';
import { runTool } from './tool.ts';

const assistantsPerUser = 2;

/** Users with their plans, and their assistants here and at VAPI. */
export async function arrange(place: Place, model: Model, seed: number): Promise<void> {
  const step: Step = { n: -1, at: firstDay, kind: 'arrange', params: {} };
  await place.look(shop);
  const write = async (name: string, rows: object[]) => {
    const file = join(place.folder, name);
    await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    return file;
  };
  const limits = (limit: number) => ({
    voice_seconds: { limit, reset_every: '1 month', on_exceeded: 'limit_assistants' },
  });
  const plans = await write('plans.json', [
    {
      plans: [
        { key: 'campaign-large', service: 'voice', limits: limits(900) },
        { key: 'campaign-small', service: 'voice', limits: limits(200) },
      ],
    },
  ]);
  const users = await write(
    'users.jsonl',
    model.users.map(({ name, signup, zone }) => ({
      external_id: name,
      email: `${name}@example.com`,
      signup_at: signup,
      timezone: zone,
      plan: 'voice-free;chat-free;avatar-lifetime',
    })),
  );
  const samples = sampleAssistants(seed % 1_000_000, userCount * assistantsPerUser);
  await place.vapi('PUT', 'assistants', samples);
  place.originals = new Map(samples.map((sample) => [sample.id, sample]));
  const assistants = await write(
    'assistants.jsonl',
    samples.map(({ id }, index) => ({
      provider_assistant_id: id,
      user_external_id: `user-${index % userCount}`,
    })),
  );
  for (const words of [
    ['plan', 'apply', plans],
    ['import', 'users', users],
    ['import', 'assistants', assistants],
  ]) {
    const told = await runTool(place, step, [...words, '--yes', '--reason', 'arranged']);
    if (told.result !== 'done') {
      throw new Error(`nothing can begin: ${told.words}`);
    }
  }
  for (const { id, name } of await place.look(`select id::text, external_id as name from quota.users`)) {
    model.numberOf(name ?? '', id ?? '');
  }
}
