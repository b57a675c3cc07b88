import { errorText, FettleError } from '../../core/errors.ts';

/** CONNACK codes, MQTT 3.1.1 and 5. */
const protocolCodes = new Set([1, 132]);
const loginCodes = new Set([4, 5, 134, 135]);
const nameCodes = new Set([2, 133]);

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String((error as { code: unknown }).code) : '';

/** Whether an older version of MQTT is worth a try. */
export const isRefusedProtocol = (error: unknown): boolean =>
  protocolCodes.has(Number(codeOf(error) || Number.NaN)) || (error instanceof Error && error.message === 'closed');

/** Why there is no connection, and what to do. */
export function explainConnection(error: unknown, url: string): FettleError {
  if (error instanceof FettleError) return error;
  const code = codeOf(error);
  const number = Number(code || Number.NaN);
  if (loginCodes.has(number))
    return new FettleError('FETTLE_MQTT_REFUSED', `${url} refused the login: ${errorText(error)}`, {
      cause: error,
      hint: 'give --username and --password-file of somebody whom the broker knows, or --cert and --key where it wants a certificate',
    });
  if (nameCodes.has(number))
    return new FettleError('FETTLE_MQTT_REFUSED', `${url} refused the client id: ${errorText(error)}`, { cause: error });
  if (number > 0)
    return new FettleError('FETTLE_MQTT_REFUSED', `${url} refused the connection: ${errorText(error)}`, {
      cause: error,
      hint: 'the log of the broker says why',
    });
  return new FettleError('FETTLE_MQTT_UNREACHABLE', `no connection to ${url}: ${reasonOf(error, code)}`, {
    cause: error,
    hint: hintOf(code, errorText(error), url),
  });
}

const reasonOf = (error: unknown, code: string): string =>
  error instanceof Error && error.message === 'closed' ? 'the broker closed it at once' : errorText(error) || code;

function hintOf(code: string, text: string, url: string): string {
  const isSecure = url.startsWith('mqtts:');
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return 'the certificate is for another name: use that name in the URL, or say it with --server-name';
  if (/SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|CERT_SIGNATURE|CERT_UNTRUSTED/.test(code))
    return 'the authority of the certificate is not known here: give its file with --ca';
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return 'look at the validity of the certificate, and at the clock of this machine';
  if (/ALERT|HANDSHAKE/i.test(`${code} ${text}`)) return 'the broker wants a certificate of the client: give --cert and --key';
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH|EPROTO/.test(code))
    return 'nobody speaks TLS there: mqtt:// instead of mqtts://, most often on port 1883';
  if (code === 'ECONNREFUSED')
    return 'nobody listens on this port: is the broker running, and does it listen on more than its own machine?';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'no such name: try the address';
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH' || code === 'ETIMEDOUT' || /timeout/i.test(text))
    return 'no answer from there: address, VLAN, firewall';
  return isSecure
    ? 'does the broker speak TLS on this port, and does it want a certificate of the client (--cert, --key)?'
    : 'is it a port for TLS (mqtts://, most often 8883), or for WebSockets?';
}
