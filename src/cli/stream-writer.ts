import { unavailableError } from '../errors.ts';
import type { ResultStream } from './process-like.ts';

export interface StreamWriter {
  /** Waits until the text is out of this process. False: the reader has gone (`| head`), stop writing. */
  write(text: string): Promise<boolean>;
}

/**
 * Writes to stdout. A reader that leaves early is no error; a full disk is.
 * @throws unavailableError when the text cannot be written.
 */
export function createStreamWriter(stream: ResultStream): StreamWriter {
  let readerGone = false;
  stream.on('error', () => {}); // Reported to the callback of write; without a listener it ends the process.
  return {
    async write(text) {
      if (readerGone || text === '') {
        return !readerGone;
      }
      const error = await new Promise<NodeJS.ErrnoException | null | undefined>((resolve) => {
        stream.write(text, resolve);
      });
      if (!error) {
        return true;
      }
      if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') {
        throw unavailableError('the result cannot be written to stdout', {
          detail: error.message,
          cause: error,
        });
      }
      readerGone = true;
      return false;
    },
  };
}
