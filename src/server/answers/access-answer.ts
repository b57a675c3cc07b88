import { z } from 'zod';
import { roles } from '../access/roles.ts';

export const userFacts = z.object({
  name: z.string(),
  role: z.enum(roles),
  disabled: z.boolean(),
  createdAt: z.string(),
  mustChange: z.boolean(),
});

export const tokenFacts = z.object({
  id: z.string(),
  name: z.string(),
  role: z.enum(roles),
  createdAt: z.string(),
  expiresAt: z.string().nullable(),
});

export const newToken = tokenFacts.extend({ secret: z.string().describe('Shown once.') });
