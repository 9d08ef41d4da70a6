//go:build amd64 && !purego

#include "textflag.h"

// Functions of this file write elements of 4 bytes for codes of one byte (or words of two). They begin and end with a
// mask, so that stores in between are whole lines of memory.

// BX elements, at most 16, get a bit each in K1.
#define MASKED \
	MOVL  $-1, AX     \
	BZHIL BX, AX, AX  \
	KMOVW AX, K1

// BX is how many elements of 4 bytes stand before the next line of memory, or CX when these are fewer.
#define TOLINE \
	MOVQ    DI, BX  \
	NEGQ    BX      \
	ANDQ    $63, BX \
	SHRQ    $2, BX  \
	CMPQ    CX, BX  \
	CMOVQLT CX, BX

#define ADVANCE(n, width) \
	ADDQ $(n*width), SI  \
	ADDQ $(n*4), DI      \
	SUBQ $n, CX

// The loops over whole lines. R8 says whether they go past the caches. width is the bytes of a code.
#define LINES(ELEMENTS16, width) \
aligned:                               \
	TESTL R8, R8                       \
	JNZ   stream64                     \
keep64:                                \
	CMPQ  CX, $64                      \
	JLT   keep16                       \
	ELEMENTS16(0, VMOVDQA32)           \
	ELEMENTS16(16, VMOVDQA32)          \
	ELEMENTS16(32, VMOVDQA32)          \
	ELEMENTS16(48, VMOVDQA32)          \
	ADVANCE(64, width)                 \
	JMP   keep64                       \
keep16:                                \
	CMPQ  CX, $16                      \
	JLT   rest                         \
	ELEMENTS16(0, VMOVDQA32)           \
	ADVANCE(16, width)                 \
	JMP   keep16                       \
stream64:                              \
	CMPQ  CX, $64                      \
	JLT   stream16                     \
	ELEMENTS16(0, VMOVNTDQ)            \
	ELEMENTS16(16, VMOVNTDQ)           \
	ELEMENTS16(32, VMOVNTDQ)           \
	ELEMENTS16(48, VMOVNTDQ)           \
	ADVANCE(64, width)                 \
	JMP   stream64                     \
stream16:                              \
	CMPQ  CX, $16                      \
	JLT   rest                         \
	ELEMENTS16(0, VMOVNTDQ)            \
	ADVANCE(16, width)                 \
	JMP   stream16                     \
rest:                                  \
	MOVQ  CX, BX                       \
	TESTQ BX, BX                       \
	JNZ   masked                       \
done:                                  \
	VZEROUPPER

// The numbers that 16 codes are, as float32.
#define FLOATS16(off, STORE) \
	VPMOVZXBD  off(SI), Z0    \
	VCVTUDQ2PS Z0, Z0         \
	STORE      Z0, (off*4)(DI)

// func floats512(dst []uint32, codes []byte, stream bool)
TEXT ·floats512(SB), NOSPLIT, $0-49
	MOVQ    dst_base+0(FP), DI
	MOVQ    dst_len+8(FP), CX
	MOVQ    codes_base+24(FP), SI
	MOVBLZX stream+48(FP), R8
	TOLINE
	TESTQ   BX, BX
	JZ      aligned

masked:
	MASKED
	VMOVDQU8.Z (SI), K1, X0
	VPMOVZXBD  X0, Z0
	VCVTUDQ2PS Z0, Z0
	VMOVDQU32  Z0, K1, (DI)
	ADDQ       BX, SI
	LEAQ       (DI)(BX*4), DI
	SUBQ       BX, CX
	JZ         done
	LINES(FLOATS16, 1)
	RET

// The numbers that 16 words are, as float32.
#define WORDS16(off, STORE) \
	VPMOVZXWD  (off*2)(SI), Z0 \
	VCVTUDQ2PS Z0, Z0          \
	STORE      Z0, (off*4)(DI)

// func words512(dst []uint32, words []byte, stream bool)
TEXT ·words512(SB), NOSPLIT, $0-49
	MOVQ    dst_base+0(FP), DI
	MOVQ    dst_len+8(FP), CX
	MOVQ    words_base+24(FP), SI
	MOVBLZX stream+48(FP), R8
	TOLINE
	TESTQ   BX, BX
	JZ      aligned

masked:
	MASKED
	VMOVDQU16.Z (SI), K1, Y0
	VPMOVZXWD   Y0, Z0
	VCVTUDQ2PS  Z0, Z0
	VMOVDQU32   Z0, K1, (DI)
	LEAQ        (SI)(BX*2), SI
	LEAQ        (DI)(BX*4), DI
	SUBQ        BX, CX
	JZ          done
	LINES(WORDS16, 2)
	RET

// Elements as they are.
#define COPY16(off, STORE) \
	VMOVDQU32 (off*4)(SI), Z0  \
	STORE     Z0, (off*4)(DI)

// func copy512(dst, src []uint32, stream bool)
TEXT ·copy512(SB), NOSPLIT, $0-49
	MOVQ    dst_base+0(FP), DI
	MOVQ    dst_len+8(FP), CX
	MOVQ    src_base+24(FP), SI
	MOVBLZX stream+48(FP), R8
	TOLINE
	TESTQ   BX, BX
	JZ      aligned

masked:
	MASKED
	VMOVDQU32.Z (SI), K1, Z0
	VMOVDQU32   Z0, K1, (DI)
	LEAQ        (SI)(BX*4), SI
	LEAQ        (DI)(BX*4), DI
	SUBQ        BX, CX
	JZ          done
	LINES(COPY16, 4)
	RET

// Entries of a table of 32, in Z16 and Z17.
#define ENTRIES32(off, STORE) \
	VPMOVZXBD off(SI), Z0        \
	VPERMI2D  Z17, Z16, Z0       \
	STORE     Z0, (off*4)(DI)

// func lookup32(dst []uint32, codes []byte, table []uint32, stream bool)
TEXT ·lookup32(SB), NOSPLIT, $0-73
	MOVQ      dst_base+0(FP), DI
	MOVQ      dst_len+8(FP), CX
	MOVQ      codes_base+24(FP), SI
	MOVQ      table_base+48(FP), R9
	MOVBLZX   stream+72(FP), R8
	VMOVDQU32 (R9), Z16
	VMOVDQU32 64(R9), Z17
	TOLINE
	TESTQ     BX, BX
	JZ        aligned

masked:
	MASKED
	VMOVDQU8.Z (SI), K1, X0
	VPMOVZXBD  X0, Z0
	VPERMI2D   Z17, Z16, Z0
	VMOVDQU32  Z0, K1, (DI)
	ADDQ       BX, SI
	LEAQ       (DI)(BX*4), DI
	SUBQ       BX, CX
	JZ         done
	LINES(ENTRIES32, 1)
	RET

// Entries of a table of 64, in Z16 to Z19; Z20 has the bit that tells its halves apart.
#define ENTRIES64(off, STORE) \
	VPMOVZXBD off(SI), Z0        \
	VPTESTMD  Z20, Z0, K2        \
	VMOVDQA32 Z0, Z1             \
	VPERMI2D  Z17, Z16, Z0       \
	VPERMI2D  Z19, Z18, Z1       \
	VMOVDQA32 Z1, K2, Z0         \
	STORE     Z0, (off*4)(DI)

// func lookup64(dst []uint32, codes []byte, table []uint32, stream bool)
TEXT ·lookup64(SB), NOSPLIT, $0-73
	MOVQ         dst_base+0(FP), DI
	MOVQ         dst_len+8(FP), CX
	MOVQ         codes_base+24(FP), SI
	MOVQ         table_base+48(FP), R9
	MOVBLZX      stream+72(FP), R8
	VMOVDQU32    (R9), Z16
	VMOVDQU32    64(R9), Z17
	VMOVDQU32    128(R9), Z18
	VMOVDQU32    192(R9), Z19
	MOVL         $32, AX
	VPBROADCASTD AX, Z20
	TOLINE
	TESTQ        BX, BX
	JZ           aligned

masked:
	MASKED
	VMOVDQU8.Z (SI), K1, X0
	VPMOVZXBD  X0, Z0
	VPTESTMD   Z20, Z0, K2
	VMOVDQA32  Z0, Z1
	VPERMI2D   Z17, Z16, Z0
	VPERMI2D   Z19, Z18, Z1
	VMOVDQA32  Z1, K2, Z0
	VMOVDQU32  Z0, K1, (DI)
	ADDQ       BX, SI
	LEAQ       (DI)(BX*4), DI
	SUBQ       BX, CX
	JZ         done
	LINES(ENTRIES64, 1)
	RET

// func lookup256(dst []uint32, codes []byte, table []uint32, stream bool)
//
// Most blocks of 16 have codes below 64 alone and are done as in lookup64; others gather.
TEXT ·lookup256(SB), NOSPLIT, $0-73
	MOVQ         dst_base+0(FP), DI
	MOVQ         dst_len+8(FP), CX
	MOVQ         codes_base+24(FP), SI
	MOVQ         table_base+48(FP), R9
	MOVBLZX      stream+72(FP), R8
	VMOVDQU32    (R9), Z16
	VMOVDQU32    64(R9), Z17
	VMOVDQU32    128(R9), Z18
	VMOVDQU32    192(R9), Z19
	MOVL         $32, AX
	VPBROADCASTD AX, Z20
	MOVL         $0xc0, AX
	VPBROADCASTB AX, X21
	TOLINE
	TESTQ        BX, BX
	JNZ          masked

whole:
	MOVQ    $16, BX
	CMPQ    CX, BX
	CMOVQLT CX, BX
	TESTQ   BX, BX
	JZ      done

masked:
	MASKED
	VMOVDQU8.Z (SI), K1, X1
	VPMOVZXBD  X1, Z0
	VPTESTMB   X21, X1, K3
	KORTESTW   K3, K3
	JNZ        far
	VPTESTMD   Z20, Z0, K2
	VMOVDQA32  Z0, Z1
	VPERMI2D   Z17, Z16, Z0
	VPERMI2D   Z19, Z18, Z1
	VMOVDQA32  Z1, K2, Z0

store:
	CMPQ      BX, $16
	JNE       partial
	TESTQ     $63, DI
	JNZ       partial
	TESTL     R8, R8
	JZ        partial
	VMOVNTDQ  Z0, (DI)
	ADDQ      $16, SI
	ADDQ      $64, DI
	SUBQ      $16, CX
	JMP       whole

partial:
	VMOVDQU32 Z0, K1, (DI)
	ADDQ      BX, SI
	LEAQ      (DI)(BX*4), DI
	SUBQ      BX, CX
	JMP       whole

far:
	KMOVW      K1, K2
	VMOVDQA32  Z0, Z1
	VPXORD     Z0, Z0, Z0
	VPGATHERDD (R9)(Z1*4), K2, Z0
	JMP        store

done:
	VZEROUPPER
	RET
