import { Ajv, type ValidateFunction } from "ajv";
import addFormats from "ajv-formats";
import { toJsonSchema } from "./convert.ts";
import { exceptions, type Exception } from "./exceptions.ts";
import type { OpenApiDocument, OpenApiOperation, OpenApiParameter, OpenApiResponse } from "./openapi-document.ts";

/** One thing in a request or a response that the official description does not allow. */
export interface Violation {
  /** `pulls/create`, or the method and path where there is no such operation. */
  readonly operation: string;
  readonly where: Exception["where"];
  /** JSON pointer into the body, or the name of a parameter. */
  readonly pointer: string;
  readonly message: string;
}

export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly template: string | undefined;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly status: number;
  readonly answer: unknown;
}

/** Checks every exchange against GitHub's official OpenAPI description and collects what does not fit. */
export class RestValidation {
  readonly violations: Violation[] = [];
  readonly #document: OpenApiDocument;
  readonly #ajv: Ajv;
  readonly #compiled = new WeakMap<object, ValidateFunction>();

  constructor(document: OpenApiDocument) {
    this.#document = document;
    this.#ajv = new Ajv({ strict: false, allErrors: true, coerceTypes: false, validateFormats: true });
    // ajv-formats is a CommonJS module whose default is the function itself.
    (addFormats as unknown as (ajv: Ajv) => void)(this.#ajv);
    for (const format of ["int32", "int64", "double", "float", "binary", "uri-template", "repo.nwo", "timestamp"]) {
      this.#ajv.addFormat(format, true);
    }
    this.#ajv.addSchema({ $id: "github", components: convertComponents(document.components) });
  }

  operationId(method: string, template: string): string | undefined {
    return this.#operation(method, template)?.operationId;
  }

  check(exchange: Exchange): void {
    const operation = exchange.template === undefined ? undefined : this.#operation(exchange.method, exchange.template);
    if (operation === undefined) {
      const name = `${exchange.method} ${exchange.path}`;
      this.#add({ operation: name, where: "request", pointer: "", message: "there is no such operation" });
      return;
    }
    // What was refused as malformed is the client's mistake all the same.
    this.#checkParameters(operation, exchange);
    this.#checkRequestBody(operation, exchange);
    this.#checkResponse(operation, exchange);
  }

  #operation(method: string, template: string): OpenApiOperation | undefined {
    return this.#document.paths[template]?.[method.toLowerCase()];
  }

  #checkParameters(operation: OpenApiOperation, exchange: Exchange): void {
    const known = new Set<string>();
    for (const given of operation.parameters ?? []) {
      const parameter = given.$ref === undefined ? given : (this.#resolve(given.$ref) as OpenApiParameter);
      known.add(parameter.name);
      const value = parameter.in === "path" ? exchange.params[parameter.name] : exchange.query.get(parameter.name);
      if (value === null || value === undefined || parameter.in === "header") {
        if (parameter.required === true && parameter.in === "query")
          this.#bad(operation, "request", parameter.name, "is required");
        continue;
      }
      const schema = parameter.schema;
      if (typeof schema !== "object" || schema === null) continue;
      const validate = this.#validator(schema);
      // In a URL everything is text: a number or a boolean fits when its text does.
      const readings = [
        value,
        ...(/^-?\d+$/.test(value) ? [Number(value)] : []),
        ...(value === "true" || value === "false" ? [value === "true"] : []),
      ];
      if (!readings.some((reading) => validate(reading)))
        this.#bad(operation, "request", parameter.name, `${JSON.stringify(value)} does not fit`);
    }
    for (const name of exchange.query.keys()) {
      if (!known.has(name)) this.#bad(operation, "request", name, "is not a parameter of this operation");
    }
  }

  #checkRequestBody(operation: OpenApiOperation, exchange: Exchange): void {
    const schema = operation.requestBody?.content?.["application/json"]?.schema;
    if (typeof schema !== "object" || schema === null) {
      const isEmpty = exchange.body === undefined || JSON.stringify(exchange.body) === "{}";
      if (!isEmpty) this.#bad(operation, "request", "", "the operation takes no body");
      return;
    }
    if (exchange.body === undefined) {
      if (operation.requestBody?.required === true) this.#bad(operation, "request", "", "the body is missing");
      return;
    }
    this.#checkUnknownKeys(operation, schema, exchange.body);
    this.#validate(operation, "request", schema, exchange.body);
  }

  /** The description lets any key pass; a key that it does not name is a mistake all the same. */
  #checkUnknownKeys(operation: OpenApiOperation, schema: object, body: unknown): void {
    if (!("properties" in schema) || typeof body !== "object" || body === null || Array.isArray(body)) return;
    const names = Object.keys(schema.properties as object);
    for (const key of Object.keys(body)) {
      if (!names.includes(key))
        this.#bad(operation, "request", `/${key}`, "is not a property of this operation's body");
    }
  }

  #checkResponse(operation: OpenApiOperation, exchange: Exchange): void {
    const { status, answer } = exchange;
    const given = operation.responses[String(status)];
    const response = given?.$ref === undefined ? given : (this.#resolve(given.$ref) as OpenApiResponse);
    if (response === undefined) this.#bad(operation, "status", String(status), "is not a status of this operation");
    if (status === 304) return;
    const described = response?.content?.["application/json"]?.schema;
    const isError = status >= 300;
    const schema = described ?? (isError ? { $ref: "#/components/schemas/basic-error" } : undefined);
    if (typeof schema === "object" && schema !== null) this.#validate(operation, "response", schema, answer);
    else if (answer !== undefined && JSON.stringify(answer) !== "{}")
      this.#bad(operation, "response", "", "the operation answers no body");
  }

  #validate(operation: OpenApiOperation, where: "request" | "response", schema: object, value: unknown): void {
    const validate = this.#validator(schema);
    if (validate(value)) return;
    for (const error of validate.errors ?? []) {
      this.#bad(operation, where, error.instancePath, `${error.message ?? "is invalid"} (${error.schemaPath})`);
    }
  }

  #validator(schema: object): ValidateFunction {
    const known = this.#compiled.get(schema);
    if (known !== undefined) return known;
    const compiled = this.#ajv.compile(toJsonSchema(schema) as object);
    this.#compiled.set(schema, compiled);
    return compiled;
  }

  #resolve(reference: string): unknown {
    const [, , group = "", name = ""] = reference.split("/");
    return this.#document.components[group]?.[name];
  }

  #bad(operation: OpenApiOperation, where: Exception["where"], pointer: string, message: string): void {
    this.#add({ operation: operation.operationId, where, pointer, message });
  }

  #add(violation: Violation): void {
    const isExcused = exceptions.some(
      (exception) =>
        (exception.operation === "*" || exception.operation === violation.operation) &&
        exception.where === violation.where &&
        exception.at.test(violation.pointer),
    );
    if (!isExcused) this.violations.push(violation);
  }
}

function convertComponents(components: OpenApiDocument["components"]): Record<string, unknown> {
  const schemas = Object.entries(components["schemas"] ?? {});
  return { schemas: Object.fromEntries(schemas.map(([name, schema]) => [name, toJsonSchema(schema)])) };
}
