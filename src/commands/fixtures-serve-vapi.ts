import { type ServeVapiOptions, serveVapi } from '../../fixtures/vapi-simulator/serve.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../errors.ts';

/** `quota fixtures serve-vapi`: prints `{url, apiKey}` as soon as it listens, and serves until it is interrupted. */
export async function fixturesServeVapi(context: Context, options: ServeVapiOptions): Promise<ExitCode> {
  let listening: Promise<void> = Promise.resolve();
  await serveVapi(options, context.signal, (data) => {
    listening = context.output.write({
      data,
      text: ({ url, apiKey }) => `export VAPI_BASE_URL=${url} VAPI_API_KEY=${apiKey}`,
    });
    context.talk.info(
      `A simulated VAPI listens at ${data.url}; its state is at ${data.url}/_sim/state. Ctrl-C ends it.`,
    );
  });
  await listening;
  return exitCodes.ok;
}
