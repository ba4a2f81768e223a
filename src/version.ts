/** The version in package.json: a test holds them to each other. A bundle has no package.json to read. */
export const VERSION = "0.1.0";
