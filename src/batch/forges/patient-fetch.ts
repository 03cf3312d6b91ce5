/** `fetch` with a time-out for each try, that waits where the forge asks for it and tries again where that helps. */
import ky, { HTTPError } from 'ky';
import { ForgeError, type Access } from './forge.ts';

const TRIES = 5;
/** Too much at once, or the server is away for a moment. */
const PASSING = [408, 429, 500, 502, 503, 504];

/** An answer that says no is an answer; without any, a ForgeError is thrown. */
export function patientFetch({ say, timeout }: Pick<Access, 'say' | 'timeout'>): typeof fetch {
  return async (input, init) => {
    try {
      return await ky(input, {
        ...init,
        timeout,
        retry: {
          limit: TRIES,
          methods: ['get', 'post', 'put', 'patch', 'delete'],
          statusCodes: PASSING,
          afterStatusCodes: [429, 503],
          retryOnTimeout: true,
          jitter: (delay) => delay * (1 + Math.random() / 4),
        },
        throwHttpErrors: (status) => PASSING.includes(status),
        hooks: {
          beforeRetry: [
            ({ error, request }) => {
              const { host } = new URL(request.url);
              if (error instanceof HTTPError && error.response.status === 429)
                say(`${host}: too many requests at once`);
            },
          ],
        },
      });
    } catch (error) {
      if (error instanceof HTTPError) return error.response;
      const { message, cause } = error as Error & { readonly cause?: { readonly code?: string } };
      throw new ForgeError(cause?.code ?? message);
    }
  };
}
