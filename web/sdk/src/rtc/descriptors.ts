const DESCRIPTOR = 'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension';

/** What TypeScript's library does not know yet (WebRTC Extensions §5.2). */
interface Negotiable {
  getHeaderExtensionsToNegotiate(): { uri: string; direction: RTCRtpTransceiverDirection }[];
  setHeaderExtensionsToNegotiate(extensions: { uri: string; direction: RTCRtpTransceiverDirection }[]): void;
}

const isNegotiable = (transceiver: object): transceiver is Negotiable => 'setHeaderExtensionsToNegotiate' in transceiver;

/**
 * Has the server tell of each frame which layer it is of: a frame of scalable AV1 does not say so itself, and browsers do not ask where they
 * only receive. Where this browser cannot ask it gets such a stream in its smallest size.
 */
export function askForDescriptors(transceiver: object): void {
  if (!isNegotiable(transceiver)) return;
  const extensions = transceiver.getHeaderExtensionsToNegotiate();
  transceiver.setHeaderExtensionsToNegotiate(
    extensions.map((extension) => (extension.uri === DESCRIPTOR ? { ...extension, direction: 'sendrecv' } : extension)),
  );
}
