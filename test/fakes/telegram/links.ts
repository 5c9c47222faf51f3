/** Which addresses Telegram takes in links and buttons (TDLib's `LinkManager` and `parse_url`). */

const HOST_CHARACTER = /^(?:[\w.\-!$,~*'();&+=]|%[\da-f]{2}|[\u0080-\uffff])*$/i;

/** @returns why the server refuses the address; undefined when it takes it */
export function linkProblem(url: string): string | undefined {
  const own = /^(tg|ton|tonsite):(?:\/\/)?/i.exec(url);
  if (own !== null) {
    const host = url.slice(own[0].length).split(/[/?#]/)[0] ?? '';
    return /^[\w-]+$/.test(host) ? undefined : 'Unallowed characters in URL host';
  }
  const scheme = /^([^:/?#@[\]]*):\/\//.exec(url);
  if (scheme !== null && !/^https?$/i.test(scheme[1] ?? '')) return 'Unsupported URL protocol';
  const authority = url.slice(scheme?.[0].length ?? 0).split(/[/?#]/)[0] ?? '';
  const port = /^.+:([^:\]@]*)$/.exec(authority);
  if (port !== null && !isPort(port[1] ?? '')) return 'Wrong port number specified in the URL';
  const hostAndUser = port === null ? authority : authority.slice(0, authority.lastIndexOf(':'));
  const host = hostAndUser.slice(hostAndUser.lastIndexOf('@') + 1);
  if (host === '') return 'URL host is empty';
  if (/^\[[\da-f:.]+\]$/i.test(host)) return undefined;
  if (!HOST_CHARACTER.test(host)) return 'Disallowed character in URL host';
  return host.includes('.') ? undefined : 'Wrong HTTP URL';
}

function isPort(text: string): boolean {
  const port = Number(text);
  return /^\d+$/.test(text) && port >= 1 && port <= 65_535;
}
