/** Topic of the application messages that carry keys. */
export const TOPIC = 'calls.e2ee';
