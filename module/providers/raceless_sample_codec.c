// SPDX-License-Identifier: GPL-2.0
/*
 * codec: compresses and decompresses with the kernel's zlib. Its work space
 * belongs to the instance, so that a use after destroy would be a use after free.
 */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/vmalloc.h>
#include <linux/zlib.h>

#include "raceless.h"

struct codec {
	struct raceless_provider provider;
	struct mutex mutex; /* one stream at a time: protects the two below */
	void *deflate_space;
	void *inflate_space;
};

static struct codec *to_codec(struct raceless_provider *provider)
{
	return container_of(provider, struct codec, provider);
}

static void codec_destroy(struct raceless_provider *provider)
{
	struct codec *codec = to_codec(provider);

	vfree(codec->deflate_space);
	vfree(codec->inflate_space);
	codec->deflate_space = NULL;
	codec->inflate_space = NULL;
}

static int codec_init(struct raceless_provider *provider)
{
	struct codec *codec = to_codec(provider);

	mutex_init(&codec->mutex);
	codec->deflate_space =
		vmalloc(zlib_deflate_workspacesize(MAX_WBITS, DEF_MEM_LEVEL));
	codec->inflate_space = vmalloc(zlib_inflate_workspacesize());
	if (codec->deflate_space && codec->inflate_space)
		return 0;
	codec_destroy(provider);
	return -ENOMEM;
}

static void set_buffers(struct z_stream_s *stream,
			struct raceless_request *request)
{
	stream->next_in = request->in;
	stream->avail_in = request->in_bytes;
	stream->next_out = request->out;
	stream->avail_out = request->out_bytes;
}

/* zlib's answer to "finish" as an errno. */
static int finished(int status, struct z_stream_s *stream,
		    struct raceless_request *request)
{
	if (status == Z_STREAM_END) {
		request->out_bytes = stream->total_out;
		return 0;
	}
	if (status == Z_OK || (status == Z_BUF_ERROR && !stream->avail_out))
		return -ENOSPC;
	return -EBADMSG;
}

static int compress(struct codec *codec, struct raceless_request *request)
{
	struct z_stream_s stream = { .workspace = codec->deflate_space };
	int err = -EINVAL;

	if (zlib_deflateInit(&stream, Z_BEST_SPEED) == Z_OK) {
		set_buffers(&stream, request);
		err = finished(zlib_deflate(&stream, Z_FINISH), &stream,
			       request);
		zlib_deflateEnd(&stream);
	}
	return err;
}

static int decompress(struct codec *codec, struct raceless_request *request)
{
	struct z_stream_s stream = { .workspace = codec->inflate_space };
	int err = -EINVAL;

	if (zlib_inflateInit(&stream) == Z_OK) {
		set_buffers(&stream, request);
		err = finished(zlib_inflate(&stream, Z_FINISH), &stream,
			       request);
		zlib_inflateEnd(&stream);
	}
	return err;
}

static int codec_call(struct raceless_provider *provider,
		      struct raceless_request *request)
{
	struct codec *codec = to_codec(provider);
	int err;

	if (!request->in_bytes || !request->out_bytes)
		return -EINVAL;
	mutex_lock(&codec->mutex);
	switch (request->op) {
	case RACELESS_CODEC_OP_COMPRESS:
		err = compress(codec, request);
		break;
	case RACELESS_CODEC_OP_DECOMPRESS:
		err = decompress(codec, request);
		break;
	default:
		err = -EOPNOTSUPP;
	}
	mutex_unlock(&codec->mutex);
	return err;
}

static const struct raceless_ops codec_ops = {
	.init = codec_init,
	.destroy = codec_destroy,
	.call = codec_call,
};

static struct codec codec = {
	.provider = { .name = "codec", .ops = &codec_ops },
};

static int __init codec_module_init(void)
{
	return raceless_register(&codec.provider);
}

static void __exit codec_module_exit(void)
{
	raceless_unregister(&codec.provider);
}

module_init(codec_module_init);
module_exit(codec_module_exit);
MODULE_ALIAS_RACELESS("codec");
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("raceless provider: zlib");
