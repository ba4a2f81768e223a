import { vi } from "vitest";

/**
 * Before each test file. Files share a process, so that the SDKs are loaded once. Our own modules are loaded
 * anew for each file, so that no file finds what another one left in them.
 */
vi.resetModules();
