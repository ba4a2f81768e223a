import type { WriteStream } from "node:tty";
// No named import, because Node before 20.12 has no styleText.
import * as util from "node:util";

type Format = Parameters<typeof util.styleText>[0];
export type Style = (format: Format, text: string) => string;

/** Uses colours if the stream can show them and NO_COLOR is not set. */
export function styleFor(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv = process.env): Style {
  const coloured =
    stream.isTTY && !env.NO_COLOR && env.TERM !== "dumb" && (stream as WriteStream).hasColors?.(env);
  return coloured && "styleText" in util
    ? (format, text) => util.styleText(format, text)
    : (_format, text) => text;
}
