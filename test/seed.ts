/** Random tests walk the same ways every time, unless told to look elsewhere (`npm run soak`). */
import { configureGlobal } from 'fast-check'

configureGlobal({ seed: Number(process.env.SOAK_SEED ?? 20260401) })
