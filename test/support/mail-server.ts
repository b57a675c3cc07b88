import { createServer, type Server, type Socket } from 'node:net';

export interface ReceivedMail {
  readonly from: string;
  readonly to: string[];
  /** Headers and body as they came. */
  readonly text: string;
}

/** An SMTP server that keeps what it is sent (RFC 5321, as much of it as a client needs). `answers`: other replies to a command, by its first word. */
export class MailServer {
  readonly mails: ReceivedMail[] = [];
  readonly logins: string[] = [];
  answers: Readonly<Record<string, string>> = {};
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  port = 0;

  constructor() {
    this.#server = createServer((socket) => this.#talk(socket));
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.port, '127.0.0.1', resolve));
    this.port = (this.#server.address() as { port: number }).port;
  }

  /** It takes what comes and says nothing, or goes on. */
  freeze(frozen: boolean): void {
    for (const socket of this.#sockets)
      if (frozen) socket.pause();
      else socket.resume();
    this.#frozen = frozen;
  }

  #frozen = false;

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #talk(socket: Socket): void {
    this.#sockets.add(socket);
    if (this.#frozen) return;
    socket.on('close', () => this.#sockets.delete(socket)).on('error', () => {});
    const say = (line: string): void => void socket.write(`${line}\r\n`);
    let waiting = '';
    let data: string | undefined;
    let mail: { from: string; to: string[] } = { from: '', to: [] };
    /** The answer to a line; undefined where more of the same is to come. */
    const answerTo = (line: string): string | undefined => {
      if (data !== undefined) {
        if (line !== '.') {
          data += `${line.replace(/^\./, '')}\n`;
          return undefined;
        }
        this.mails.push({ ...mail, text: data });
        data = undefined;
        return '250 kept';
      }
      const [verb = ''] = line.toUpperCase().split(/[ :]/);
      const other = this.answers[verb];
      if (other !== undefined) return other;
      switch (verb) {
        case 'EHLO':
          return '250-mail.test\r\n250 AUTH PLAIN';
        case 'STARTTLS':
          return '502 not here';
        case 'AUTH':
          this.logins.push(
            Buffer.from(line.split(' ')[2] ?? '', 'base64')
              .toString()
              .replaceAll('\0', ' ')
              .trim(),
          );
          return '235 welcome';
        case 'MAIL':
          mail = { from: /<(.*?)>/.exec(line)?.[1] ?? '', to: [] };
          return '250 ok';
        case 'RCPT':
          mail.to.push(/<(.*?)>/.exec(line)?.[1] ?? '');
          return '250 ok';
        case 'DATA':
          data = '';
          return '354 go on';
        case 'QUIT':
          return '221 bye';
        default:
          return '250 ok';
      }
    };
    socket.on('data', (chunk: Buffer) => {
      const lines = (waiting + chunk.toString()).split('\r\n');
      waiting = lines.pop() ?? '';
      for (const line of lines) {
        const answer = answerTo(line);
        if (answer !== undefined) say(answer);
        if (answer?.startsWith('221') === true) socket.end();
      }
    });
    say('220 mail.test');
  }
}
