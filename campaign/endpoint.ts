import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { post, type WebhookDelivery } from '../fixtures/vapi-simulator/webhook.ts';
import { callAsApp } from './app.ts';
import type { Place } from './place.ts';
import type { Step, Told } from './step.ts';

/** What VAPI and the app share: one is sent as it is, with the other the body is signed. */
const secrets = { secret: 'campaign secret', hmacSecret: 'campaign signature' };
const timeoutMs = 60_000;

/**
 * VAPI posts a message to the app, which has the gate answer it, with the clock and the fault of the step.
 * @param isForged somebody posts it who knows no secret
 */
export async function postToApp(
  place: Place,
  step: Step,
  { key, body }: { key: string; body: object },
  isForged = false,
): Promise<{ told: Told; delivery: WebhookDelivery & { body: string } }> {
  let told: Told = { result: 'refused', words: 'nobody that the app knows' };
  const server = createServer(async (request, response) => {
    const text = (await request.toArray()).join('');
    if (!isSigned(request, text)) {
      return response.writeHead(401).end();
    }
    told = await callAsApp(place, step, `select quota.gate('vapi', $1::jsonb) as answer`, [text]);
    return told.result === 'done'
      ? response.setHeader('content-type', 'application/json').end(JSON.stringify(told.answer?.answer))
      : response.writeHead(500).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const known = isForged ? { secret: 'guessed', hmacSecret: 'guessed' } : secrets;
  try {
    const atMs = Date.parse(step.at);
    const delivery = await post(
      { url, ...known },
      { callId: key, report: { message: body }, atMs, timeoutMs },
    );
    return { told, delivery };
  } finally {
    server.close();
  }
}

/** As VAPI's documentation has it, read by somebody else than its simulation. */
function isSigned({ headers }: IncomingMessage, body: string): boolean {
  const signature = createHmac('sha256', secrets.hmacSecret).update(`${headers['x-timestamp']}.${body}`);
  const [given, right] = [Buffer.from(String(headers['x-signature'])), Buffer.from(signature.digest('hex'))];
  return (
    headers['x-vapi-secret'] === secrets.secret &&
    given.length === right.length &&
    timingSafeEqual(given, right)
  );
}
