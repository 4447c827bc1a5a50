/** The one thing that no API but the SDP can ask for. */

/**
 * Lets the Opus sender fall silent between words (`usedtx`, RFC 7587 §6.1) and repair losses in-band. A browser takes
 * both from the answer's `fmtp`, so that is where we write them.
 */
export function withOpusDtx(answer: string): string {
  const opus = new Set([...answer.matchAll(/^a=rtpmap:(\d+) opus\/48000/gim)].map(([, type]) => type));
  return answer.replace(/^a=fmtp:(\d+) (.*)$/gm, (line, type: string, parameters: string) => {
    if (!opus.has(type)) return line;
    const kept = parameters.trim().split(';').filter((parameter) => !/^(usedtx|useinbandfec)=/.test(parameter));
    return `a=fmtp:${type} ${[...kept, 'useinbandfec=1', 'usedtx=1'].join(';')}`;
  });
}
