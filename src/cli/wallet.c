/* wallet.c - keys on this machine: NAME.json in the Web3 Secret Storage format, and beside it NAME.pass,
 * a random password of mode 0600, unless a person chose one. */
#include "cli/wallet.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "codec/hex.h"
#include "codec/json.h"
#include "crypto/keystore.h"
#include "os/file.h"

enum { KEY_FILE_MAX = 16384, PASSWORD_MAX = 1024 };

void wallet_path(const struct cli *c, const char *name, const char *suffix, char out[CLI_PATH_MAX])
{
	snprintf(out, CLI_PATH_MAX, "%.900s/keys/%.63s%.8s", c->places.data, name, suffix);
}

bool wallet_name_ok(const char *name, struct err *e)
{
	size_t n = strlen(name);
	bool ok = n > 0 && n <= NAME_MAX_;

	for (size_t i = 0; ok && i < n; i++)
		ok = (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9') ||
		     name[i] == '-' || name[i] == '_';
	if (ok)
		return true;
	FAIL(e, USAGE, "\"%s\" is no name for a wallet", name);
	return err_hint(e, "lower-case letters, digits, - and _, at most %d", NAME_MAX_);
}

/* A line of a file or descriptor, without its newline. */
static bool read_password(const char *path, struct buf *out, struct err *e)
{
	TRY(file_read(path, PASSWORD_MAX, out, e), e);
	while (out->n && (out->p[out->n - 1] == '\n' || out->p[out->n - 1] == '\r'))
		out->n--;
	if (out->n == 0)
		return FAIL(e, KEY, "the password file %s is empty", path);
	return true;
}

static bool ask_password(const char *prompt, struct buf *out, struct err *e)
{
	struct termios old, quiet;
	FILE *tty = fopen("/dev/tty", "r+e");
	char line[PASSWORD_MAX];
	bool ok;

	if (!tty) {
		FAIL(e, KEY, "the key has a password and there is no terminal to ask for it");
		return err_hint(e, "give --password-file FILE or LILYPAD_WALLET_PASSWORD_FILE");
	}
	fprintf(tty, "%s", prompt);
	fflush(tty);
	tcgetattr(fileno(tty), &old);
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(fileno(tty), TCSANOW, &quiet);
	ok = fgets(line, sizeof line, tty) != NULL;
	tcsetattr(fileno(tty), TCSANOW, &old);
	fprintf(tty, "\n");
	fclose(tty);
	if (!ok)
		return FAIL(e, KEY, "no password was typed");
	line[strcspn(line, "\r\n")] = '\0';
	buf_z(out, line);
	explicit_bzero(line, sizeof line);
	return true;
}

bool wallet_password(const char *file, const char *prompt, struct buf *out, struct err *e)
{
	return file ? read_password(file, out, e) : ask_password(prompt, out, e);
}

static bool password_of(const struct cli *c, const char *name, struct buf *out, struct err *e)
{
	const char *file = settings_text(c->settings, "wallet.password-file");
	char path[CLI_PATH_MAX];

	if (*file)
		return read_password(file, out, e);
	wallet_path(c, name, ".pass", path);
	if (access(path, F_OK) == 0)
		return read_password(path, out, e);
	return ask_password("password of the key: ", out, e);
}

bool wallet_save(const struct cli *c, const char *name, const struct seckey *key, struct err *e)
{
	struct buf json OWN(buf_done) = {0};
	struct buf pass OWN(buf_done) = {0};
	char path[CLI_PATH_MAX];
	struct seckey random;

	TRY(wallet_name_ok(name, e), e);
	wallet_path(c, name, ".json", path);
	if (access(path, F_OK) == 0)
		return FAIL(e, CONFLICT, "there is a wallet named %s already: %s", name, path);
	buf_init(&json, KEY_FILE_MAX);
	buf_init(&pass, PASSWORD_MAX);
	TRY(seckey_new(&random, e), e);
	buf_hex(&pass, random.b, sizeof random.b);
	seckey_wipe(&random);
	TRY(keystore_encode(key, buf_view(&pass), KEYSTORE_QUICK, &json, e), e);
	snprintf(path, sizeof path, "%.900s/keys", c->places.data);
	TRY(dir_make(path, e), e);
	wallet_path(c, name, ".pass", path);
	TRY(file_write(path, buf_bytes(&pass), 0600, e), e);
	wallet_path(c, name, ".json", path);
	TRY(file_write(path, buf_bytes(&json), 0600, e), e);
	return true;
}

bool wallet_open(
        const struct cli *c, const char *name, bool may_make, struct wallet *out, struct err *e)
{
	struct buf json OWN(buf_done) = {0};
	struct buf pass OWN(buf_done) = {0};
	struct wallet w = {0};

	if (!name)
		name = settings_text(c->settings, "wallet.name");
	TRY(wallet_name_ok(name, e), e);
	snprintf(w.name, sizeof w.name, "%s", name);
	wallet_path(c, name, ".json", w.path);
	buf_init(&json, KEY_FILE_MAX);
	buf_init(&pass, PASSWORD_MAX);
	if (access(w.path, F_OK) != 0) {
		if (!may_make) {
			FAIL(e, KEY, "there is no wallet named %s", name);
			return err_hint(e, "lilypad wallet new %s", name);
		}
		TRY(seckey_new(&w.key, e), e);
		TRY(wallet_save(c, name, &w.key, e), e);
		w.fresh = true;
	} else {
		TRY(file_read(w.path, KEY_FILE_MAX, &json, e), e);
		TRY(password_of(c, name, &pass, e), e);
		if (!keystore_decode(buf_view(&json), buf_view(&pass), &w.key, e)) {
			err_prefix(e, "%s: ", w.path);
			return false;
		}
	}
	TRY(seckey_addr(&w.key, &w.addr, e), e);
	*out = w;
	return true;
}

void wallet_close(struct wallet *w)
{
	seckey_wipe(&w->key);
}

static bool sign(void *self, const struct hash *digest, struct sig *out, struct err *e)
{
	struct wallet *w = self;

	return secp_sign(&w->key, digest, out, e);
}

struct signer wallet_signer(struct wallet *w)
{
	return (struct signer){w, w->addr, sign};
}
