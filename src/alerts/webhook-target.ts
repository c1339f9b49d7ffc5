import { createHmac } from 'node:crypto';
import { withDeadline } from '../with-deadline.ts';
import type { AlertTarget } from './alert-target.ts';

const timeoutMs = 10_000;

/** `t=<unix seconds>,v1=<hex>`: HMAC-SHA256 over `<unix seconds>.<body>`, so that an old request cannot be sent again. */
function signature(secret: string, timestampSeconds: number, body: string): string {
  const hmac = createHmac('sha256', secret).update(`${timestampSeconds}.${body}`);
  return `t=${timestampSeconds},v1=${hmac.digest('hex')}`;
}

/** POSTs JSON. Any 2xx is a receipt; a redirect is not, for it would carry the alert to somebody else. */
export function webhookTarget(url: string, secret: string, now: () => Date): AlertTarget {
  return {
    name: new URL(url).host,
    send: async ({ id, body }, signal) => {
      const headers = {
        'content-type': 'application/json',
        'user-agent': 'quota',
        'quota-delivery': id,
        'quota-signature': signature(secret, Math.floor(now().getTime() / 1000), body),
      };
      const response = await post(url, { body, headers, signal });
      await response.body?.cancel();
      if (!response.ok) {
        throw new Error(`the webhook answered ${response.status}`);
      }
    },
  };
}

interface Message {
  body: string;
  headers: Record<string, string>;
  signal: AbortSignal;
}

async function post(url: string, { body, headers, signal }: Message): Promise<Response> {
  try {
    return await withDeadline(signal, timeoutMs, (deadline) =>
      fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal: deadline }),
    );
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new Error(
      `the webhook cannot be reached: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause: error },
    );
  }
}
