/** Import this before anything else: modules load in the order of their imports, and an old Node fails on some of them. */
import { refuseOldNode } from './node-version.ts'

refuseOldNode()
