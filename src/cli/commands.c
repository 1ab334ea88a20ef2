/* commands.c - the tables of commands and their options. Help, completion, docs/commands.md and the man
 * pages come from these rows. */
#include "cli/cli.h"

/* clang-format off */
/* Rows that several commands have. */
#define INPUTS \
	{"input",           'i', "KEY=VALUE", NULL, true,  "an input of the module; KEY=@FILE reads the value from a file"}, \
	{"file",            'f', "FILE",      NULL, true,  "a file or folder that the job finds under /inputs"}, \
	{"inputs-path",     0,   "DIR",       NULL, false, "every file of a folder, under /inputs"}
#define LISTENS \
	{"server-host",     0,   "ADDRESS",   "server.host", false, "listen on this address"}, \
	{"server-port",     0,   "PORT",      "server.port", false, "listen on this port; 0: any free one"}, \
	{"server-url",      0,   "URL",       "server.url", false, "what others reach it by; default: address and port that it listens on"}
#define NETWORK_FILE \
	{"network-file",    0,   "FILE",      NULL, false, "the network, instead of the one in use"}
#define MISBEHAVES \
	{"test-misbehave",  0,   "MODE",      NULL, false, "test ledgers: break the protocol on purpose (docs/disputes.md)"}
#define READY_FILE \
	{"ready-file",      0,   "FILE",      NULL, false, "written with {url, account, pid} once it serves"}

static const struct option_row run_options[] = {
	INPUTS,
	{"output",          'O', "DIR",       NULL, false, "where the output goes; default: ./lilypad-JOB"},
	{"detach",          0,   NULL,        NULL, false, "leave the job to `lilypad creator` once it is posted"},
	{"yes",             'y', NULL,        NULL, false, "no questions"},
	{"dry-run",         0,   NULL,        NULL, false, "check and quote; nothing is signed"},
	{"max-price",       0,   "TOKENS",    "job.max-price", false, "the most that the job may cost"},
	{"pricing",         0,   "HOW",       "job.pricing", false, "market: the provider's ask; cleared: the price of a batch; fixed: the highest prices"},
	{"check",           0,   "HOW",       "job.check", false, "how often the result is run again here: never, always, a probability, certainty=PROBABILITY"},
	{"queue",           0,   "TIME",      "job.queue", false, "how long it may wait for a match"},
	{"target",          't', "ACCOUNT",   NULL, false, "only this provider"},
	{"channel",         0,   "CHANNEL",   "job.channel", false, "draw on the sums of this channel, with its provider"},
	{"idempotency-key", 0,   "TEXT",      NULL, false, "the same key again names the same job and pays once"},
	{"propagate-exit",  0,   NULL,        NULL, false, "exit with the program's own status"},
	MISBEHAVES,
	{NULL, 0, NULL, NULL, false, NULL},
};
static const struct option_row daemon_options[] = {
	LISTENS,
	NETWORK_FILE,
	READY_FILE,
	{NULL, 0, NULL, NULL, false, NULL},
};
static const struct option_row instrument_options[] = {
	LISTENS,
	NETWORK_FILE,
	READY_FILE,
	MISBEHAVES,
	{NULL, 0, NULL, NULL, false, NULL},
};
static const struct option_row onchain_options[] = {
	{"contract",        0,   "ADDRESS",   "creator.onchain-jobs", false, "the contract whose jobs it buys"},
	LISTENS,
	NETWORK_FILE,
	READY_FILE,
	MISBEHAVES,
	{NULL, 0, NULL, NULL, false, NULL},
};
static const struct option_row prepare_options[] = {
	INPUTS,
	{NULL, 0, NULL, NULL, false, NULL},
};
static const struct option_row ledger_options[] = {
	LISTENS,
	{"genesis",         0,   "FILE",      NULL, false, "the constants of a new ledger"},
	READY_FILE,
	{NULL, 0, NULL, NULL, false, NULL},
};
static const struct option_row provider_options[] = {
	LISTENS,
	NETWORK_FILE,
	READY_FILE,
	{"offer-cpu",       0,   "MILLI",     "offer.cpu", false, "milli-cores offered"},
	{"offer-ram",       0,   "BYTES",     "offer.ram", false, "memory offered"},
	{"offer-disk",      0,   "BYTES",     "offer.disk", false, "disk offered"},
	{"offer-gpu",       0,   "N",         NULL, false, "GPUs offered: only 0, since nothing here runs on one"},
	{"offer-modules",   0,   "IDS",       "offer.modules", false, "module ids that are run, with commas"},
	{"offer-parallel",  0,   "N",         "offer.parallel", false, "jobs at once"},
	{"offer-count",     0,   "N",         "offer.parallel", false, "the same as --offer-parallel"},
	{"price",           0,   "TOKENS",    "pricing.base", false, "price of a job before anything is counted"},
	{"price-instruction", 0, "TOKENS",    "pricing.instruction", false, "price of one instruction"},
	{"pricing-instruction-price", 0, "TOKENS", "pricing.instruction", false, "the same as --price-instruction"},
	{"price-byte",      0,   "TOKENS",    "pricing.byte", false, "price of one byte"},
	MISBEHAVES,
	{NULL, 0, NULL, NULL, false, NULL},
};
static const struct option_row mediator_options[] = {
	LISTENS,
	NETWORK_FILE,
	READY_FILE,
	{"fee",             0,   "TOKENS",    "mediator.fee", false, "what a vote on a deal must pay"},
	{"parallel",        0,   "N",         "mediator.parallel", false, "jobs run again at once"},
	MISBEHAVES,
	{NULL, 0, NULL, NULL, false, NULL},
};
static const struct option_row demo_options[] = {
	{"adversarial",     0,   NULL,        NULL, false, "every way to cheat that there is an instrument for: who gained, who lost"},
	{"chain",           0,   NULL,        NULL, false, "the ledger is contracts on a chain of its own (anvil)"},
	{"keep",            0,   NULL,        NULL, false, "keep the files"},
	{NULL, 0, NULL, NULL, false, NULL},
};
static const struct option_row up_options[] = {
	{"providers",       0,   "N",         NULL, false, "how many providers, 1 to 16; default 1"},
	{"chain",           0,   NULL,        NULL, false, "the ledger is contracts on a chain of its own (anvil)"},
	{NULL, 0, NULL, NULL, false, NULL},
};
static const struct option_row chain_dev_options[] = {
	{"port",            0,   "N",         NULL, false, "of the chain's node; default: any free one"},
	{"block-time",      0,   "SECONDS",   NULL, false, "between two blocks, 0: a block with each transaction; default: 1"},
	{"depth",           0,   "N",         NULL, false, "blocks on top of one that is final; default: 2"},
	{"providers",       0,   "N",         NULL, false, "how many keys of providers get tokens, at most 16; default: 1"},
	{"solver-url",      0,   "URL",       NULL, false, "where the solver will serve; default: a free port"},
	{"directory-url",   0,   "URL",       NULL, false, "where the directory will serve; default: a free port"},
	{"mediator-url",    0,   "URL",       NULL, false, "where the mediator will serve; default: a free port"},
	{"anvil",           0,   "FILE",      NULL, false, "the program; default: beside this one, or in the PATH"},
	{"output",          'O', "FILE",      NULL, false, "the network file; default: among the settings"},
	READY_FILE,
	{NULL, 0, NULL, NULL, false, NULL},
};
static const struct option_row chain_deploy_options[] = {
	{"rpc",             0,   "URLS",      NULL, false, "the chain's nodes, with commas"},
	{"token",           0,   "ADDRESS",   NULL, false, "an ERC-20 contract that is there; without it one is made, all of whose tokens the key has"},
	{"pauser",          0,   "ACCOUNT",   NULL, false, "who may refuse new deals for a time; default: nobody"},
	{"depth",           0,   "N",         NULL, false, "blocks on top of one that is final; default: 12"},
	{"block-time",      0,   "SECONDS",   NULL, false, "between two blocks of the chain, about; default: 12"},
	{"solver-url",      0,   "URL",       NULL, false, "where the solver will serve"},
	{"solver",          0,   "ACCOUNT",   NULL, false, "its account"},
	{"directory-url",   0,   "URL",       NULL, false, "where the directory will serve"},
	{"directory",       0,   "ACCOUNT",   NULL, false, "its account"},
	{"mediator",        0,   "ACCOUNT[=URL]", NULL, true, "a mediator, in the order in which job creators prefer them"},
	{"symbol",          0,   "TEXT",      NULL, false, "of a new token; default: LILY"},
	{"decimals",        0,   "N",         NULL, false, "of a new token; default: 18"},
	{"min",             0,   "TIME",      NULL, false, "least timeout of a deal; default: 60s, of a test ledger 5s"},
	{"life",            0,   "TIME",      NULL, false, "longest life of a deal; default: 7d"},
	{"unbonding",       0,   "TIME",      NULL, false, "how long a withdrawal takes; default: 8d"},
	{"test",            0,   NULL,        NULL, false, "a test ledger: short timeouts, roles may misbehave"},
	{"output",          'O', "FILE",      NULL, false, "the network file; default: NAME.network.json"},
	{NULL, 0, NULL, NULL, false, NULL},
};
static const struct option_row fund_options[] = {
	{"to",              0,   "ACCOUNT",   NULL, false, "default: the wallet in use"},
	{"operator",        0,   "NAME",      NULL, false, "wallet of the ledger's operator, on a chain the one that deposits; default: operator"},
	{NULL, 0, NULL, NULL, false, NULL},
};
static const struct option_row channel_open_options[] = {
	{"provider-sum",    0,   "TOKENS",    NULL, false, "what the provider locks; default: nothing, which is enough for deals without bonds"},
	{"kind",            0,   "KIND",      NULL, false, "acceptances or vouchers; default: acceptances"},
	{"serial",          0,   "N",         NULL, false, "of the channels of these two; default: the first that the ledger does not know"},
	{NULL, 0, NULL, NULL, false, NULL},
};
static const struct option_row channel_close_options[] = {
	{"provider-url",    0,   "URL",       NULL, false, "ask the provider to sign as well, which closes it at once"},
	{NULL, 0, NULL, NULL, false, NULL},
};
static const struct option_row export_options[] = {
	{"out",             'o', "FILE",      NULL, false, "where to write; default: standard output"},
	{"password-file",   0,   "FILE",      NULL, false, "password of the exported key"},
	{NULL, 0, NULL, NULL, false, NULL},
};
static const struct option_row module_run_options[] = {
	INPUTS,
	{"output",          'O', "DIR",       NULL, false, "where the output goes; default: nowhere"},
	{NULL, 0, NULL, NULL, false, NULL},
};
static const struct option_row get_options[] = {
	{"output",          'O', "DIR",       NULL, false, "where the output goes"},
	{NULL, 0, NULL, NULL, false, NULL},
};
static const struct option_row doctor_options[] = {
	{"role",            0,   "ROLE",      NULL, false, "creator, provider, mediator, solver, directory or ledger"},
	{NULL, 0, NULL, NULL, false, NULL},
};
static const struct option_row jobs_options[] = {
	{"csv",             0,   NULL,        NULL, false, "comma-separated values, for bookkeeping"},
	{NULL, 0, NULL, NULL, false, NULL},
};
static const struct option_row network_new_options[] = {
	{"ledger-url",      0,   "URL",       NULL, false, "where the ledger will serve"},
	{"solver-url",      0,   "URL",       NULL, false, "where the solver will serve"},
	{"solver",          0,   "ACCOUNT",   NULL, false, "its account"},
	{"directory-url",   0,   "URL",       NULL, false, "where the directory will serve"},
	{"directory",       0,   "ACCOUNT",   NULL, false, "its account"},
	{"mediator",        0,   "ACCOUNT[=URL]", NULL, true, "a mediator, in the order in which job creators prefer them"},
	{"genesis",         0,   "FILE",      NULL, false, "of a ledger that is there; without it a new one is made"},
	{"symbol",          0,   "TEXT",      NULL, false, "of the token; default: LILY"},
	{"decimals",        0,   "N",         NULL, false, "of the token; default: 18"},
	{"min",             0,   "TIME",      NULL, false, "least timeout of a deal; default: 60s, of a test ledger 5s"},
	{"life",            0,   "TIME",      NULL, false, "longest life of a deal; default: 7d"},
	{"unbonding",       0,   "TIME",      NULL, false, "how long a withdrawal takes; default: 8d"},
	{"allocate",        0,   "ACCOUNT=TOKENS", NULL, true, "tokens that an account has from the start"},
	{"test",            0,   NULL,        NULL, false, "a test ledger: tokens can be minted, clocks set, roles may misbehave"},
	{"output",          'O', "FILE",      NULL, false, "the network file; default: NAME.network.json"},
	{NULL, 0, NULL, NULL, false, NULL},
};
static const struct option_row verify_options[] = {
	{"block-hash",      0,   "HASH",      NULL, true,  "of a receipt on a chain: a block that you know the chain to have"},
	{"rpc",             0,   "URL",       NULL, false, "of a receipt on a chain: ask this node whether the chain has its blocks"},
	{NULL, 0, NULL, NULL, false, NULL},
};
static const struct option_row gc_options[] = {
	{"dry-run",         0,   NULL,        NULL, false, "say what would go"},
	{NULL, 0, NULL, NULL, false, NULL},
};

const struct command cli_commands[] = {
	{"demo",            NULL, "",                "the whole market on this machine: one job, from offer to receipt", demo_options, cmd_demo, false},
	{"run",             NULL, "MODULE [-i KEY=VALUE]… [-f FILE]… [-O DIR]", "buy one job and wait for its result", run_options, cmd_run, false},
	{"up",              NULL, "",                "start a local network and keep it running", up_options, cmd_up, false},
	{"down",            NULL, "",                "stop the network that `up` started", NULL, cmd_down, false},
	{"job list",        "ps", "",                "your jobs", NULL, cmd_job_list, false},
	{"job show",        NULL, "JOB",             "one job with its timeline", NULL, cmd_job_show, false},
	{"job watch",       NULL, "JOB",             "follow a job until it ends", get_options, cmd_job_watch, false},
	{"job logs",        "logs", "JOB",           "standard output and error of a job", NULL, cmd_job_logs, false},
	{"job explain",     NULL, "JOB",             "why a job has no match: every rule, every provider", NULL, cmd_job_explain, false},
	{"job cancel",      "cancel", "JOB",         "cancel a job while that is free", NULL, cmd_job_cancel, false},
	{"job get",         NULL, "JOB [-O DIR]",    "fetch the output of a job again", get_options, cmd_job_get, false},
	{"deal show",       NULL, "JOB|DEAL",        "a deal: terms, signatures, timeline", NULL, cmd_deal_show, false},
	{"verify",          NULL, "RECEIPT",         "check a receipt offline", verify_options, cmd_verify, false},
	{"wallet new",      NULL, "[NAME]",          "make a key", NULL, cmd_wallet_new, false},
	{"wallet list",     NULL, "",                "the keys on this machine", NULL, cmd_wallet_list, false},
	{"wallet use",      NULL, "NAME",            "use this key from now on", NULL, cmd_wallet_use, false},
	{"wallet balance",  "balance", "[ACCOUNT]",  "free, locked and withdrawing tokens", NULL, cmd_wallet_balance, false},
	{"wallet fund",     "fund", "TOKENS",        "test ledgers: mint tokens with the operator's key; on a chain: deposit tokens", fund_options, cmd_wallet_fund, false},
	{"wallet export",   NULL, "[NAME] [-o FILE]", "the key as a Web3 Secret Storage file", export_options, cmd_wallet_export, false},
	{"wallet import",   NULL, "FILE [NAME]",     "take a key file, or 64 hex digits from standard input (FILE = -)", export_options, cmd_wallet_import, false},
	{"channel open",    NULL, "PROVIDER-URL TOKENS", "lock a sum for deals with one provider, who signs and locks one too", channel_open_options, cmd_channel_open, false},
	{"channel top-up",  NULL, "CHANNEL TOKENS",  "add to your sum of a channel", NULL, cmd_channel_top_up, false},
	{"channel show",    NULL, "CHANNEL",         "what a channel holds, has paid, and whether it is being left", NULL, cmd_channel_show, false},
	{"channel leave",   NULL, "CHANNEL",         "leave a channel: it can be closed when the longest deal in it is over", NULL, cmd_channel_leave, false},
	{"channel close",   NULL, "CHANNEL [--provider-url URL]", "the sums go back: once it is left and the time is over, or at once when both sign", channel_close_options, cmd_channel_close, false},
	{"module list",     NULL, "",                "the modules on this machine", NULL, cmd_module_list, false},
	{"module show",     NULL, "MODULE",          "inputs, outputs and limits of a module", NULL, cmd_module_show, false},
	{"module init",     NULL, "NAME",            "a new module that builds and runs as generated", NULL, cmd_module_init, false},
	{"module run",      NULL, "MODULE [-i KEY=VALUE]…", "run a module here: same sandbox, no key, no money", module_run_options, cmd_module_run, false},
	{"network import",  NULL, "FILE|URL [NAME]", "take a network file and use it", NULL, cmd_network_import, false},
	{"network new",     NULL, "NAME --ledger-url URL …", "genesis and signed network file for daemons on several machines", network_new_options, cmd_network_new, false},
	{"network show",    NULL, "",                "the network in use", NULL, cmd_network_show, false},
	{"config show",     NULL, "",                "every setting with its value and where it came from", NULL, cmd_config_show, false},
	{"config explain",  NULL, "KEY",             "one setting: meaning, value, every place it could come from", NULL, cmd_config_explain, false},
	{"doctor",          NULL, "[--role ROLE]",   "check this machine and say what mends each finding", doctor_options, cmd_doctor, false},
	{"gc",              NULL, "[--dry-run]",     "remove results and caches past their keeping time", gc_options, cmd_gc, false},
	{"ledger",          NULL, "[--genesis FILE]", "daemon: the embedded ledger", ledger_options, cmd_ledger, false},
	{"ledger verify",   NULL, "",                "replay a journal and check every link", NULL, cmd_ledger_verify, false},
	{"ledger export",   NULL, "",                "a journal as JSON lines", NULL, cmd_ledger_export, false},
	{"chain dev",       NULL, "",                "a chain on this machine with our contracts, keys and network file, until Ctrl-C", chain_dev_options, cmd_chain_dev, false},
	{"chain deploy",    NULL, "NAME --rpc URL …", "our contracts onto a chain, and the signed network file", chain_deploy_options, cmd_chain_deploy, false},
	{"chain status",    NULL, "",                "the chain of the network in use: nodes, contract, tokens, gas", NULL, cmd_chain_status, false},
	{"solver",          NULL, "",                "daemon: matches offers", daemon_options, cmd_solver, false},
	{"directory",       NULL, "",                "daemon: keeps inputs and results", instrument_options, cmd_directory, false},
	{"provider",        "resource-provider", "", "daemon: runs jobs for money", provider_options, cmd_provider, false},
	{"provider status", "resource-provider status", "", "what the provider earns, and why it is idle", NULL, cmd_provider_status, false},
	{"provider record", "resource-provider record", "[ACCOUNT]", "what providers have done for you: results found right, faults, declines", NULL, cmd_provider_record, false},
	{"provider jobs",   "resource-provider jobs", "[--csv]", "every job that the provider took, and what it earned", jobs_options, cmd_provider_jobs, false},
	{"mediator",        NULL, "",                "daemon: runs disputed jobs again and rules", mediator_options, cmd_mediator, false},
	{"mediator queue",  NULL, "",                "the disputes of a mediator, and how they ended", NULL, cmd_mediator_queue, false},
	{"mediator case",   NULL, "DEAL",            "one dispute: documents, own run, ruling, what decides", NULL, cmd_mediator_case, false},
	{"creator",         "jobcreator", "",        "daemon: looks after detached jobs", instrument_options, cmd_creator, false},
	{"relay",           NULL, "",                "daemon: carries signed actions to a chain for accounts that have no gas", daemon_options, cmd_relay, false},
	{"onchain",         NULL, "--contract ADDRESS", "daemon: buys the jobs that contracts order, as their judge", onchain_options, cmd_onchain, false},
	{"onchain prepare", NULL, "MODULE [-i KEY=VALUE]…", "keep a job's parts in the directory, and say what an order of it names", prepare_options, cmd_onchain_prepare, false},
	{"onchain deploy",  NULL, "",                "a contract at which others buy jobs, beside the network's ledger", NULL, cmd_onchain_deploy, false},
	{"version",         NULL, "",                "version and what it was built with", NULL, cmd_version, false},
	{"completion",      NULL, "bash|zsh|fish",   "a completion script for the shell", NULL, cmd_completion, false},
	{"help",            NULL, "[COMMAND|ERROR]", "a command, or what an error code means", NULL, cmd_help, false},
	{"exec-wasm",       NULL, "",                "the WebAssembly executor (started by a provider)", NULL, NULL, true},
};
/* clang-format on */
const size_t cli_commands_n = COUNT(cli_commands);
