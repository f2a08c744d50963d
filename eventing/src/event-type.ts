import { z } from "zod";

/** A kind of event, whatever its data. */
export interface AnyEventType {
  /** The CloudEvents type. */
  readonly type: string;
  readonly schema: z.ZodType;
  /** True when a task in the table stands behind each event: its id is the task's. */
  readonly hasTask: boolean;
}

/** A kind of event: its CloudEvents type, the shape of its data, and which entity it is about. */
export interface EventType<Data> extends AnyEventType {
  readonly schema: z.ZodType<Data>;
  /** The CloudEvents subject of an event with this data. */
  readonly subject: (data: Data) => string;
}

/** Defines the event `dev.octobatch.<name>.v<version>`. */
export function defineEvent<Shape extends z.ZodRawShape>(
  name: string,
  version: number,
  shape: Shape,
  subject: (data: z.output<z.ZodObject<Shape>>) => string,
): EventType<z.output<z.ZodObject<Shape>>> {
  return { type: `dev.octobatch.${name}.v${version}`, schema: z.object(shape), hasTask: true, subject };
}
