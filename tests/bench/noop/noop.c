/* noop.c - the job that does nothing, for figures of everything around a job. */
void _start(void);

__attribute__((export_name("_start"))) void _start(void)
{
}
