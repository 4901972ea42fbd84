"""Problems of the crypto floor. Decryption has one, so that nobody can learn which check failed."""

from __future__ import annotations

from tigertally.base.errors import Broken, Invalid, Unavailable
from tigertally.base.text import Text


class DecryptionFailed(Broken):
    """Sealed bytes did not open: wrong key, wrong context, or altered. Deliberately not told apart."""

    code = "crypto.decryption_failed"
    title = Text("无法解密：密钥不对，或内容被改动", "cannot decrypt: wrong key, or the content was altered")
    hint = Text(
        "核对密钥与文件来源；不要编辑密封文件",
        "check the key and where the file came from; sealed files cannot be edited",
    )


class SignatureInvalid(Broken):
    """A signature does not verify under the expected key."""

    code = "crypto.signature_invalid"
    title = Text("签名无效", "the signature is not valid")
    hint = Text("文件被改动，或不是由所声称的一方签署", "the file was altered, or the named party did not sign it")


class UnknownSuite(Invalid):
    """Version or suite bytes that this code does not implement."""

    code = "crypto.unknown_suite"
    title = Text("未知的算法套件", "unknown algorithm suite")
    hint = Text("请升级 tigertally", "upgrade tigertally")


class SuiteUnavailable(Unavailable):
    """An algorithm of the suite is not in the libraries that are installed."""

    code = "crypto.suite_unavailable"
    title = Text("本机没有 {what}，该算法套件无法使用", "this machine has no {what}: the suite cannot be used")
    hint = Text(
        "SM2 请安装扩展 tigertally[guomi]；SM4、SM3 需要带有它们的 OpenSSL",
        "for SM2 install the extra tigertally[guomi]; SM4 and SM3 need an OpenSSL that has them",
    )


class BadKey(Invalid):
    """Bytes that are not a key of the expected kind."""

    code = "crypto.bad_key"
    title = Text("不是有效的密钥", "not a valid key")


class BadCertificate(Invalid):
    """A file that should hold certificates in PEM and does not."""

    code = "crypto.bad_certificate"
    title = Text("不是有效的证书文件", "not a file of certificates")


class WeakParameters(Invalid):
    """Key stretching parameters below the floor or above what a stranger may ask of us."""

    code = "crypto.weak_parameters"
    title = Text("密钥派生参数超出允许范围", "key stretching parameters are out of range")


class DomainTooSmall(Invalid):
    """Format-preserving encryption of values of which there are too few (SP 800-38G r1: 10^6 at least)."""

    code = "crypto.domain_too_small"
    title = Text("可取的值不足一百万个，不能保留格式加密", "fewer than a million possible values: FF1 is not allowed")
    hint = Text("改用随机令牌，或加密更长的部分", "use random tokens, or encrypt a longer part")


class NotNumerals(Invalid):
    """Rows for format-preserving encryption with a symbol outside of the alphabet, or of a length that it has not."""

    code = "crypto.not_numerals"
    title = Text("含有字母表之外的符号，或长度不符", "a symbol outside of the alphabet, or a length not accepted")
    hint = Text("核对字段的类型", "check what kind of field it is")


class BadShares(Invalid):
    """Shares, commitments or a structure of sharing that cannot be: too few, of another structure, no scalars."""

    code = "crypto.bad_shares"
    title = Text("份额不足，或与承诺不符", "not enough shares, or not those that were committed to")
    hint = Text("核对是哪一次仪式的份额", "check which ceremony the shares are of")


class ParcelsUnavailable(Unavailable):
    """The libraries for OpenPGP and age are not installed."""

    code = "crypto.parcels_unavailable"
    title = Text("未安装 OpenPGP 与 age 的程序库", "the libraries for OpenPGP and age are not installed")
    hint = Text("安装 tigertally[parcels]", "install tigertally[parcels]")


class RecipientRefused(Invalid):
    """A key that nothing is sealed to; ``reason`` says why: too short, expired, revoked, of an old algorithm."""

    code = "crypto.recipient_refused"
    title = Text("不接受该接收方公钥：{reason}", "this recipient's key is not accepted: {reason}")
    hint = Text(
        "请对方提供 4096 位以上的 RSA 或现代（RFC 9580）OpenPGP 公钥，或 age 公钥（age1…）",
        "ask for an OpenPGP key of RSA 4096 or more or of a modern kind (RFC 9580), or an age recipient (age1…)",
    )


class ParcelFailed(Broken):
    """Sealing or opening a parcel failed; what was written so far is no parcel."""

    code = "crypto.parcel_failed"
    title = Text("加密文件未能完成，或无法打开", "the sealed file could not be finished, or does not open")
    hint = Text("核对密钥与磁盘空间后重试", "check the key and the disk's space, then try again")
