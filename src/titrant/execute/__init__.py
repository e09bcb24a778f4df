"""How and where: the store on disk, the work of one job, and the local runner. Importing it never imports torch."""
