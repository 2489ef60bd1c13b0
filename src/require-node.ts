/** Import this first: modules load in the order of their imports, and an old Node fails to load some of them. */
import { refuseOldNode } from './node-version.ts'

refuseOldNode()
