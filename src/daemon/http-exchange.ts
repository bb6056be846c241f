import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { HttpAnswer, HttpFailure, HttpRequest } from '../script/services.js';

/** Makes one HTTP request within its limits of time and size; redirections are returned as answers. Never rejects. */
export function exchange(wanted: HttpRequest): Promise<HttpAnswer | HttpFailure> {
  return new Promise((resolve) => {
    let url: URL;
    try {
      url = new URL(wanted.url);
    } catch {
      resolve('failed');
      return;
    }
    if (url.protocol !== 'http:' && url.protocol !== 'https:') {
      resolve('failed');
      return;
    }
    const timers: NodeJS.Timeout[] = [];
    const done = (result: HttpAnswer | HttpFailure): void => {
      for (const each of timers) clearTimeout(each);
      resolve(result);
      request.destroy();
    };
    const headers = Object.fromEntries(wanted.headers);
    const options = { method: wanted.method, headers, agent: false as const };
    const request =
      url.protocol === 'http:'
        ? requestHttp(url, options)
        : requestHttps(url, { ...options, rejectUnauthorized: wanted.verify });
    const connecting = setTimeout(() => done('connect timeout'), wanted.connectMs);
    timers.push(connecting);
    timers.push(setTimeout(() => done('timeout'), wanted.totalMs));
    request.on('socket', (socket) =>
      socket.once(url.protocol === 'http:' ? 'connect' : 'secureConnect', () => clearTimeout(connecting)),
    );
    request.on('error', (error: NodeJS.ErrnoException) => done(error.code === 'ECONNREFUSED' ? 'refused' : 'failed'));
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > wanted.maxBytes) done('too long');
        else chunks.push(chunk);
      });
      response.on('error', () => done('failed'));
      response.on('end', () =>
        done({
          status: response.statusCode ?? 0,
          type: response.headers['content-type'],
          body: Buffer.concat(chunks).toString('latin1'),
        }),
      );
    });
    request.end(wanted.body === undefined ? undefined : Buffer.from(wanted.body, 'latin1'));
  });
}
